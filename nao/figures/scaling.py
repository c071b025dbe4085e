"""Figure 3: how the error follows the noise, the task's rank, the conditioning and the context."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.analysis.sweeps import exponent, log_scores
from nao.analysis.tables import in_scaling_regime
from nao.figures.curves import OUTSIDE_FIT, Curve, curves, draw_curves, draw_theory, mark, scale_log
from nao.figures.legend import draw_legend
from nao.figures.style import GREY, WIDTH, Looks, style


@dataclass(frozen=True)
class Panel:
    """What stands above and below the panel of one sweep."""

    title: str
    label: str
    besides: tuple[str, ...] = ()  # metrics of theory drawn in this panel alone


PANELS = {
    "noise": Panel("noise", r"noise standard deviation $\sigma_\varepsilon$"),
    "task_dimension": Panel(
        "task dimension", "rank of the prior covariance $r_w$", ("oracle_law",)
    ),
    "condition": Panel("conditioning", r"condition number $\kappa(\Sigma_x)$"),
    "context_length": Panel("context length", "rows per context $n$", ("oracle_law",)),
}


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE against σ_ε, r_w, κ(Σ_x) and n, with the lines of theory and every fitted exponent."""
    with style():
        figure = Figure(figsize=(WIDTH, 7.4), layout="constrained")
        grid = figure.subplots(4, 2, height_ratios=(5, 1.1, 5, 1.1))
        everywhere: list[Curve] = []
        for position, (experiment, table) in enumerate(tables.items()):
            row, column = divmod(position, 2)
            drawn = curves(table, looks)
            panel = grid[2 * row, column]
            _draw_panel(panel, table, experiment, drawn)
            panel.set_title(f"({'abcd'[position]})  {PANELS[experiment].title}")
            _draw_exponents(grid[2 * row + 1, column], drawn)
            everywhere += drawn
        for axes in grid[::2].ravel():
            axes.set_ylabel(r"RMSE of $\hat w$")
        draw_legend(figure, everywhere, ("expected", "law", "bound", "outside"))
    return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, experiment: str, drawn: list[Curve]) -> None:
    draw_curves(axes, drawn)
    scale_log(axes, table["value"])
    draw_theory(axes, table, "rmse_bound", *PANELS[experiment].besides)
    axes.set_xlabel(PANELS[experiment].label)
    if experiment == "task_dimension":
        mark(axes, float(table["context_length"].iloc[0]), "$r_w = n$")
    _shade_outside_fit(axes, table)


def _shade_outside_fit(axes: Axes, table: pd.DataFrame) -> None:
    """Grey where r_w ≥ n/2: halfway, in log scale, to the nearest point that the fit holds."""
    inside = table.loc[in_scaling_regime(table), "value"]
    outside = table.loc[~in_scaling_regime(table), "value"]
    if inside.empty or outside.empty:
        return
    low, high = axes.get_xlim()
    if outside.min() > inside.max():
        span = float(np.sqrt(outside.min() * inside.max())), high
    else:
        span = low, float(np.sqrt(outside.max() * inside.min()))
    axes.axvspan(*span, zorder=0.5, **OUTSIDE_FIT)
    axes.set_xlim(low, high)


def _draw_exponents(axes: Axes, drawn: list[Curve]) -> None:
    """A small table: for each curve the fitted exponent and the ends of its interval."""
    axes.set_axis_off()
    axes.set(xlim=(0, len(drawn)), ylim=(4, 0))
    for row, name in enumerate(("slope", "95 % from", "to"), 1):
        axes.text(-0.1, row + 0.5, name, ha="right", va="center", color=GREY, fontsize=7)
    for column, curve in enumerate(drawn):
        axes.plot([column + 0.5], [0.4], clip_on=False, **curve.look.strokes)
        fit = exponent(log_scores(curve.rows[in_scaling_regime(curve.rows)]))
        for row, number in enumerate((fit.number, fit.low, fit.high), 1):
            text = "–" if np.isnan(number) else f"{number:z.2f}".replace("-", "−")
            size = 8 if row == 1 else 7
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size)

"""Figure 10: what is fitted at one point, tested on tasks of which one law is another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.analysis.tables import fitted_at
from nao.figures.curves import MARK, THIN, Curve, curves, draw_curves, scale_log
from nao.figures.legend import draw_legend
from nao.figures.marks import shows
from nao.figures.style import CLASSICAL, LINES, WIDTH, Looks, style

ORACLE = "oracle_ridge"


@dataclass(frozen=True)
class Panel:
    """What is shifted, and the sweep whose estimators are fitted at each of its values."""

    title: str
    label: str
    fitted_there: str | None = None


PANELS = {
    "shifted_noise": Panel("noise", r"noise standard deviation $\sigma_\varepsilon$", "noise"),
    "shifted_condition": Panel("conditioning", r"condition number $\kappa(\Sigma_x)$", "condition"),
    "shifted_task_dimension": Panel(
        "task dimension", "rank of the prior covariance $r_w$", "task_dimension"
    ),
    "shifted_subspace": Panel("directions of the prior", "angle by which $U$ is turned (degrees)"),
}


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE against what is shifted, between the oracles told the truth of training and of tests."""
    outdated = replace(
        looks[ORACLE], label="ORE, told training's truth", line=LINES["dashed"], filled=False
    )
    everywhere: list[Curve] = []
    with style():
        figure = Figure(figsize=(WIDTH, 6.2), layout="constrained")
        panels = figure.subplots(2, 2).ravel()
        for axes, (name, panel), letter in zip(panels, PANELS.items(), "abcd", strict=True):
            table = tables[name]
            drawn = curves(table, {**looks, ORACLE: outdated})
            if panel.fitted_there:
                there = tables[panel.fitted_there]
                drawn += _draw_fitted_there(axes, there, table, looks)
            else:
                _draw_unmoved_oracle(axes, table)
            draw_curves(axes, drawn)
            scale_log(axes, table["value"])
            axes.set(title=f"({letter})  {panel.title}", xlabel=panel.label)
            if (value := fitted_at(table)) is not None:
                axes.axvline(value, zorder=1, **MARK)
            everywhere += drawn
        for axes in panels[::2]:
            axes.set_ylabel(r"RMSE of $\hat w$")
        draw_legend(figure, everywhere, ("trained_there", "fitted_at"))
    return figure


def _draw_fitted_there(
    axes: Axes, there: pd.DataFrame, shifted: pd.DataFrame, looks: Looks
) -> list[Curve]:
    """The same learners trained at each value, as thin lines; returns the oracle told its truth."""
    same = there["value"].isin(shifted["value"]) & there["estimator"].isin(shifted["estimator"])
    found = curves(there[same], looks)
    for curve in found:
        if curve.rows["model"].notna().all():
            points, color = curve.points, curve.look.color
            (line,) = axes.plot(points.index, points["median"], color=color, lw=THIN, zorder=1.8)
            shows(line, f"{curve.look.label}, trained there", curve.table, curve.behind.values())
    return [curve for curve in found if set(curve.rows["estimator"]) == {ORACLE}]


def _draw_unmoved_oracle(axes: Axes, table: pd.DataFrame) -> None:
    """Where the design has no preferred direction, the oracle's error does not go by those of U."""
    chosen = (table["estimator"] == ORACLE) & (table["metric"] == "rmse")
    own = table[chosen & (table["value"] == fitted_at(table))]
    if not own.empty:
        ends = table["value"].min(), table["value"].max()
        line = replace(CLASSICAL[ORACLE], marker="None").strokes
        axes.plot(ends, [own["score"].median()] * 2, **line)

"""Figure 4: how many layers it takes, at a small rank of the prior and at one near the rows."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.figures.curves import STEPS, curves, draw_curves, draw_theory, scale_log
from nao.figures.legend import draw_legend
from nao.figures.ratios import LABEL, over_oracle
from nao.figures.style import WIDTH, Looks, style


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE over the oracle's against L, a panel for each r_w, and the best of L gradient steps."""
    table = tables["depth"]
    settings = {name: over_oracle(rows) for name, rows in table.groupby("setting", sort=False)}
    drawn = {name: curves(ratios, looks) for name, ratios in settings.items()}
    with style():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        panels = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (name, ratios), letter in zip(panels, settings.items(), "abcdef", strict=False):
            draw_curves(axes, drawn[name])
            _draw_steps(axes, ratios)
            point = ratios.iloc[0]
            told = f"$r_w = {point['task_dimension']}$, $n = {point['context_length']}$"
            axes.set(title=f"({letter})  {told}", xlabel="layers $L$")
        panels[0].set_ylabel(LABEL)
        for axes, ratios in zip(panels, settings.values(), strict=True):
            scale_log(axes, ratios["value"])
            draw_theory(axes, ratios)
        every = [curve for each in drawn.values() for curve in each]
        draw_legend(figure, every, ("expected", "steps"))
    return figure


def _draw_steps(axes: Axes, ratios: pd.DataFrame) -> None:
    """The least error of L gradient steps in the prior's span, for every L up to the deepest."""
    steps = ratios[ratios["metric"] == "polynomial_rmse"]
    line = steps.groupby("layers")["score"].median()
    within = line[(line.index >= ratios["value"].min()) & (line.index <= ratios["value"].max())]
    axes.plot(within.index, within, zorder=1.5, **STEPS)

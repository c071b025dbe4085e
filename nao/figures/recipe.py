"""Figure "recipe": what each choice of the recipe is worth, the others held at its values."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from nao.figures.curves import curves, draw_curves, draw_theory, scale_log
from nao.figures.legend import draw_legend
from nao.figures.style import WIDTH, style

CHOICES = {
    "recipe_layers": "layers $L$",
    "recipe_learning_rate": "learning rate",
    "recipe_norm_rate": "rate of the norms, as a multiple",
    "recipe_bias": "initial bias of the norms",
    "recipe_batch": "contexts a step",
}
TABLES = tuple(CHOICES)
COLUMNS = 3


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """RMSE of the recipe's own replicates, a panel for each choice, on one scale."""
    with style():
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        rows = -(-len(CHOICES) // COLUMNS)
        panels = figure.subplots(rows, COLUMNS, sharey=True).ravel()
        for axes, name in zip(panels, CHOICES, strict=False):
            draw_curves(axes, curves(tables[name]))
        for axes, (name, label), letter in zip(panels, CHOICES.items(), "abcdefgh", strict=False):
            scale_log(axes, tables[name]["value"])
            draw_theory(axes, tables[name])
            axes.set_title(f"({letter})")
            axes.set_xlabel(label)
        for axes in panels[::COLUMNS]:
            axes.set_ylabel(r"RMSE of $\hat w$")
        for axes in panels[len(CHOICES) :]:
            axes.set_axis_off()
        draw_legend(figure, curves(tables[TABLES[0]]), ("expected",))
    return figure

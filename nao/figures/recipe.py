"""Figure "recipe": what each choice of the recipe is worth, the others held at its values."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nao.figures.curves import curves, draw_theory, scale_log
from nao.figures.legend import draw_legend
from nao.figures.ratios import LABEL, draw_ratios, over_oracle
from nao.figures.rows import draw_rows
from nao.figures.style import WIDTH, Looks, look_of, style

CHOICES = {
    "recipe_layers": "layers $L$",
    "recipe_learning_rate": "learning rate",
    "recipe_norm_rate": "rate of codes and norms (×)",
    "recipe_code": "initial spread of the codes",
    "recipe_code_share": "code rows for each row",
    "recipe_batch": "contexts a step",
}
VARIANTS = "recipe_variants"
COLUMNS = 3


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE of the recipe's own replicates, over ORE's: a panel a number, and one for all else."""
    sweeps = {name: over_oracle(tables[name]) for name in CHOICES}
    with style():
        figure = Figure(figsize=(WIDTH, 7.6), layout="constrained")
        rows = -(-len(CHOICES) // COLUMNS)
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(rows, 1.5))))
        panels = above.subplots(rows, COLUMNS).ravel()
        for axes, (name, label), letter in zip(panels, CHOICES.items(), "abcdefghi", strict=False):
            draw_ratios(axes, curves(sweeps[name], looks))
            scale_log(axes, sweeps[name]["value"])
            draw_theory(axes, sweeps[name])
            axes.set(title=f"({letter})", xlabel=label, ylabel=LABEL)
        last = below.subplots()
        last.set_title(f"({'abcdefghi'[len(CHOICES)]})  one choice changed at a time")
        variants = over_oracle(tables[VARIANTS])
        trained = _trained(variants)
        first = [look_of(name, looks).color for name in trained[:1]]  # none where none is there
        draw_rows(last, variants, trained, looks, *first)
        draw_legend(above, curves(next(iter(sweeps.values())), looks), ("expected",))
    return figure


def _trained(table: pd.DataFrame) -> list[str]:
    """The learners of a table, in its order."""
    return list(dict.fromkeys(table.loc[table["model"].notna(), "estimator"]))

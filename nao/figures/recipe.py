"""Figure "recipe": what each choice of the recipe is worth, the others held at its values."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.figures.curves import curves, draw_theory, plain_decades, scale_log
from nao.figures.legend import draw_legend
from nao.figures.marks import shows
from nao.figures.ratios import LABEL, draw_ratios, over_oracle
from nao.figures.style import BLACK, GREY, WIDTH, Looks, look_of, style

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
        _draw_variants(last, over_oracle(tables[VARIANTS]), looks)
        draw_legend(above, curves(next(iter(sweeps.values())), looks), ("expected",))
    return figure


def _draw_variants(axes: Axes, table: pd.DataFrame, looks: Looks) -> None:
    """A row for each learner: its replicates as dots, and how many of them failed."""
    scores = table[table["metric"] == "rmse"]
    trained = scores[scores["model"].notna()]
    learners = list(dict.fromkeys(trained["estimator"]))
    for row, learner in enumerate(learners):
        own = trained[trained["estimator"] == learner]
        reached = own["score"].dropna()
        color = look_of(learners[0], looks).color
        (dots,) = axes.plot(reached, np.full(len(reached), row), "o", color=color, alpha=0.7, mew=0)
        label = look_of(learner, looks).label
        shows(dots, label, VARIANTS, [[int(index)] for index in reached.index], upright=False)
        if len(reached):
            axes.plot(np.median(reached), row, "|", color=BLACK, markersize=10)
        if lost := len(own) - len(reached):
            place = axes.get_yaxis_transform()
            axes.text(
                1, row, f"{lost} failed", transform=place, ha="right", va="center", fontsize=7
            )
    axes.axvline(1, color=GREY, lw=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    plain_decades(axes.xaxis, high / low)
    axes.set_yticks(range(len(learners)), [look_of(name, looks).label for name in learners])
    axes.invert_yaxis()
    axes.set_xlabel(LABEL)

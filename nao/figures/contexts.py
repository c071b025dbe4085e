"""Figure 2: how many training contexts the estimators need, with and without row symmetry."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.figures.curves import curves, draw_curves, draw_theory, plain_decades, scale_log
from nao.figures.legend import draw_legend
from nao.figures.style import WIDTH, Looks, style


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE against n_s, a panel for each objective, and its ratio to the oracle on the right.

    In each panel the classical estimators stand beside the learners trained by that objective.
    """
    table = tables["contexts"]
    objectives = [str(name) for name in table["objective"].dropna().unique()]
    with style():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        panels = figure.subplots(1, len(objectives), sharex=True, sharey=True, squeeze=False)[0]
        for axes, objective, letter in zip(panels, objectives, "abcdef", strict=False):
            shown = table["objective"].isna() | (table["objective"] == objective)
            draw_curves(axes, curves(table[shown], looks))
            axes.set_title(f"({letter})  trained by the {objective} objective")
            axes.set_xlabel("training contexts $n_s$")
        panels[0].set_ylabel(r"RMSE of $\hat w$")
        scale_log(panels[0], table["value"])
        for axes in panels:
            draw_theory(axes, table)
        _ratio_axis(panels[-1], table)
        draw_legend(figure, curves(table, looks), ("expected",))
    return figure


def _ratio_axis(axes: Axes, table: pd.DataFrame) -> None:
    """A second scale: multiples of the oracle's RMSE, which does not depend on n_s."""
    oracle = table[(table["estimator"] == "oracle_ridge") & (table["metric"] == "rmse")]
    unit = float(oracle["score"].median())
    ratio = axes.secondary_yaxis(
        "right", functions=(partial(np.multiply, 1 / unit), partial(np.multiply, unit))
    )
    low, high = axes.get_ylim()
    plain_decades(ratio.yaxis, high / low)
    ratio.set_ylabel("in multiples of ORE")

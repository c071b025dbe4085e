"""Estimators one below the other, each with its replicates as dots: what one change is worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nao.figures.curves import plain_decades
from nao.figures.marks import shows
from nao.figures.ratios import LABEL
from nao.figures.style import BLACK, GREY, Looks, look_of


def draw_rows(
    axes: Axes,
    table: pd.DataFrame,
    estimators: Sequence[str],
    looks: Looks,
    color: str | None = None,
) -> None:
    """RMSE over the oracle's, as `over_oracle` has it, in one colour or each in its own.

    A bar stands at the median, and beside a row how many of its trainings failed, or that the
    estimator has no answer.
    """
    for row, estimator in enumerate(estimators):
        own = table[(table["estimator"] == estimator) & (table["metric"] == "rmse")]
        reached = own["score"].dropna()
        look, source = look_of(estimator, looks), str(own["experiment"].iloc[0])
        place = np.full(len(reached), row)
        (dots,) = axes.plot(reached, place, "o", color=color or look.color, alpha=0.7, mew=0)
        shows(dots, look.label, source, [[int(index)] for index in reached.index], upright=False)
        if len(reached):
            axes.plot(np.median(reached), row, "|", color=BLACK, markersize=10)
        if lost := len(own) - len(reached):
            said = "no answer" if own["reason"].notna().any() else f"{lost} failed"
            edge = axes.get_yaxis_transform()
            axes.text(1, row, said, transform=edge, ha="right", va="center", fontsize=7)
    axes.axvline(1, color=GREY, lw=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    plain_decades(axes.xaxis, high / low)
    axes.set_yticks(range(len(estimators)), [look_of(name, looks).label for name in estimators])
    axes.set_ylim(max(len(estimators), 1) - 0.5, -0.5)
    axes.set_xlabel(LABEL)

"""Estimators side by side in each of several settings: medians, with bars from least to largest."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from nao.figures.curves import TOP_EDGE, plain_decades
from nao.figures.marks import shows
from nao.figures.style import Look, Looks, look_of

WIDEST = 0.76  # of the room between two settings, that the estimators of one take


def draw_categories(
    axes: Axes, table: pd.DataFrame, looks: Looks, names: Sequence[str], metric: str = "rmse"
) -> list[Look]:
    """The scores of every estimator in each setting, in the order of the legend; returns the looks.

    `names` stand below the settings, in their order. A cross at the top edge marks trainings that
    failed, with the share that did not, and an estimator that has no answer there.
    """
    scores = table[table["metric"] == metric]
    settings = list(dict.fromkeys(table["setting"]))
    estimators = sorted(scores["estimator"].unique(), key=lambda name: look_of(name, looks).order)
    for position, estimator in enumerate(estimators):
        look, own = look_of(estimator, looks), scores[scores["estimator"] == estimator]
        shift = WIDEST * ((position + 0.5) / len(estimators) - 0.5)
        places, rows = [], []
        for place, setting in enumerate(settings, 1):
            here = own[own["setting"] == setting]
            done = here["score"].dropna()
            if len(done) < len(here):
                _cross(axes, place + shift, look, here)
            if done.empty:
                continue
            places.append((place + shift, done.median()))
            rows.append([int(index) for index in here.index])
            axes.vlines(place + shift, done.min(), done.max(), color=look.color, lw=1)
        if places:
            (marks,) = axes.plot(*zip(*places, strict=True), zorder=3, **look.marks)
            shows(marks, look.label, str(own["experiment"].iloc[0]), rows)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.1)  # room for crosses
    plain_decades(axes.yaxis, high / low)
    axes.set_xticks(range(1, len(settings) + 1), names)
    axes.set_xlim(0.5, len(settings) + 0.5)
    axes.grid(visible=False, axis="x")
    return [look_of(name, looks) for name in estimators]


def _cross(axes: Axes, place: float, look: Look, rows: pd.DataFrame) -> None:
    reasons = rows["reason"].dropna()
    share = f"{rows['score'].notna().sum()}/{len(rows)}"
    (cross,) = axes.plot(
        place,
        TOP_EDGE,
        "x",
        color=look.color,
        transform=axes.get_xaxis_transform(),
        zorder=20,
        mew=1.4,
    )
    said = f"no answer: {reasons.iloc[0]}" if len(reasons) else f"{share} trained"
    table = str(rows["experiment"].iloc[0])
    shows(cross, f"{look.label}, {said}", table, [[int(index) for index in rows.index]])
    if reasons.empty:
        axes.annotate(
            share,
            (place, TOP_EDGE),
            xycoords=axes.get_xaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=look.color,
        )

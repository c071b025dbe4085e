"""Figure 6: one choice changed at a time in the paper's network and in ours, and the rivals."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nao.analysis.sweeps import longest
from nao.figures.curves import plain_decades
from nao.figures.ratios import over_oracle
from nao.figures.rows import draw_rows
from nao.figures.style import GREY, WIDTH, Looks, look_of, style

RIDGE, NAO = "ridge", "transformer"
RIVALS = "rivals, and both networks"


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE over ORE's: a row a change, the first as it is; below all others that learn a prior."""
    table = over_oracle(longest(tables["ablations"]))
    groups = _groups(table, looks)
    with style():
        counts = [len(names) for names in groups.values()]
        figure = Figure(figsize=(WIDTH, 1.2 + 0.2 * (sum(counts) + 3)), layout="constrained")
        panels = figure.subplots(len(groups), 1, sharex=True, height_ratios=counts, squeeze=False)
        for axes, (title, names), letter in zip(panels[:, 0], groups.items(), "abc", strict=False):
            color = None if title == RIVALS else look_of(names[0], looks).color
            draw_rows(axes, table, names, looks, color)
            axes.set_title(f"({letter})  {title}")
            axes.label_outer()
        _mark_ridge(list(panels[:, 0]), table, looks)
    return figure


def _groups(table: pd.DataFrame, looks: Looks) -> dict[str, list[str]]:
    """By what is trained: the transformer by the paper's loss, that on held-out rows, and others.

    Beside the others stand the two networks that they are to be held against.
    """
    scores = table[table["metric"] == "rmse"].drop_duplicates("estimator")
    transformer = (scores["model"] == NAO).fillna(False)
    networks = [
        list(rows["estimator"]) for _, rows in scores[transformer].groupby("objective", sort=False)
    ]
    others = scores.loc[~transformer & (scores["estimator"] != RIDGE), "estimator"]
    rivals = sorted(others, key=lambda name: look_of(name, looks).order)
    named = {f"{look_of(of[0], looks).label} and one change of it": of for of in networks}
    return named | {RIVALS: [*rivals, *(of[0] for of in networks)]}


def _mark_ridge(panels: Sequence[Axes], table: pd.DataFrame, looks: Looks) -> None:
    """What regression of each context by itself errs, to which a network may fall back."""
    own = (table["estimator"] == RIDGE) & (table["metric"] == "rmse")
    alone = float(table.loc[own, "score"].median())
    low, high = panels[0].get_xlim()
    for axes in panels:
        axes.axvline(alone, color=GREY, lw=1, ls=":")
        axes.set_xlim(low, max(high, 1.1 * alone))
        plain_decades(axes.xaxis, max(high, alone) / low)
    panels[0].annotate(
        look_of(RIDGE, looks).label,
        (alone, 1),
        xycoords=panels[0].get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=7,
        color=GREY,
    )

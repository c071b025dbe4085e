"""The bench as a picture: ratios to NAO's training step, and how the step grows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from nao.figures.style import BLUE, FAINT, GREY, WIDTH, style

AXES = {
    "n": "context length n",
    "d": "dimension d",
    "layers": "layers L",
    "d_k": "key dimension d_k",
    "heads": "heads",
    "batch": "contexts a step",
    "members": "stacked members",
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw the table of `nao.bench.report.run_all`."""
    with style():
        figure = plt.figure(figsize=(WIDTH, 6.2), layout="constrained")
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(1.1, 2))))
        steps = table[table["topic"] == "step"]
        for ax, (case, rows) in zip(
            np.ravel(above.subplots(1, steps["case"].nunique(), sharey=True)),
            steps.groupby("case", sort=False),
            strict=True,
        ):
            _ratios(ax, str(case), rows)
        panels = np.ravel(below.subplots(2, 4))
        for ax, axis in zip(panels, AXES, strict=False):
            _growth(ax, axis, table[(table["topic"] == "growth") & (table["axis"] == axis)])
        for ax in panels[len(AXES) :]:
            ax.set_axis_off()
        panels[0].set_ylabel("time / base point's")
    return figure


def _ratios(ax: Axes, case: str, rows: pd.DataFrame) -> None:
    rows = rows.iloc[::-1]
    ax.barh(
        rows["subject"],
        rows["ratio"],
        xerr=np.stack([rows["ratio"] - rows["ratio_low"], rows["ratio_high"] - rows["ratio"]]),
        color=[BLUE if subject == "NAO" else FAINT for subject in rows["subject"]],
        error_kw={"elinewidth": 0.8},
    )
    ends = zip(rows["ratio"], rows["ratio_high"], strict=True)
    for place, (ratio, end) in enumerate(ends):
        ax.annotate(f" {ratio:.2f}", (end, place), va="center", fontsize=6.5)
    ax.axvline(1, color=GREY, linewidth=0.8)
    ax.set_xlabel("time / NAO's time")
    ax.margins(x=0.15)
    sizes = case.split(", ")
    ax.set_title(", ".join(sizes[:4]) + "\n" + ", ".join(sizes[4:]), fontsize=6.5)


def _growth(ax: Axes, axis: str, rows: pd.DataFrame) -> None:
    rows = rows.sort_values("value")
    sizes, multiples = rows["value"].to_numpy(float), rows["ratio"].to_numpy(float)
    base = sizes[np.argmin(np.abs(np.log(multiples)))]
    ax.loglog(sizes, sizes / base, color=GREY, linestyle=":", label="linear")
    ax.fill_between(sizes, rows["ratio_low"], rows["ratio_high"], color=FAINT)
    ax.loglog(sizes, multiples, color=BLUE, marker="o", label="measured")
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.yaxis.set_major_locator(LogLocator(2))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.set_title(AXES[axis])
    if axis == "n":
        ax.legend()

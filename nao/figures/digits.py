"""Figure 9: images of digits through few noisy projections: a real prior, which nobody knows."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from nao.figures.curves import curves, draw_curves, scale_log
from nao.figures.legend import draw_legend
from nao.figures.marks import shows
from nao.figures.style import WIDTH, Looks, look_of, style

SCORES, EXAMPLES = "digits", "digits_examples"
IMAGES = 4  # test images shown
LETTERS = 10  # of a line above a column of images


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE against n above; below, images from about a quarter as many rows as pixels."""
    scores, examples = tables[SCORES], tables[EXAMPLES]
    drawn = curves(scores, looks)
    with style():
        figure = Figure(figsize=(WIDTH, 7.4), layout="constrained")
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1.15))))
        axes = above.subplots()
        draw_curves(axes, drawn)
        scale_log(axes, scores["value"])
        axes.set(title="(a)  error", xlabel="rows per context $n$", ylabel=r"RMSE of $\hat w$")
        draw_legend(above, drawn)
        _draw_images(below, examples, looks)
    return figure


def _draw_images(figure: SubFigure, examples: pd.DataFrame, looks: Looks) -> None:
    """The first test images, and what each estimator makes of them, with the PSNR of each."""
    pixels = len(examples[examples["kind"] == "true"].iloc[0]["values"])
    n = min(examples["value"].unique(), key=lambda value: abs(np.log(4 * value / pixels)))
    rows = examples[(examples["value"] == n) & (examples["context"] < IMAGES)]
    names = list(dict.fromkeys(rows["estimator"].dropna()))
    names.sort(key=lambda name: look_of(name, looks).order)
    panel = f"(b)  test images from $n = {n:g}$ rows, with PSNR in dB"
    figure.suptitle(panel, x=0.01, ha="left", fontsize=8.5)
    grid = figure.subplots(IMAGES, 1 + len(names), squeeze=False)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    for column, name in enumerate([None, *names]):
        label = "true" if name is None else look_of(name, looks).label
        grid[0, column].set_title("\n".join(_lines(label)), loc="center", fontsize=7)
        own = rows["kind"] == "true" if name is None else rows["estimator"] == name
        for axes, (index, each) in zip(grid[:, column], rows[own].iterrows(), strict=False):
            _draw_image(axes, int(str(index)), each, label, panel)


def _lines(label: str) -> list[str]:
    """The label in lines, with a hyphen at the end of one only where the word is too long."""
    words = (word if len(word) <= LETTERS else word.replace("-", "- ") for word in label.split())
    return wrap(" ".join(words), LETTERS, break_on_hyphens=False)


def _draw_image(axes: Axes, row: int, example: pd.Series, label: str, panel: str) -> None:
    """Grey values from 0, black, to 1; below it 10 log₁₀(d / ‖ŵ − w‖²)."""
    values = np.asarray(example["values"], float)
    if not np.isfinite(values).all():
        axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
        return
    side = round(np.sqrt(len(values)))
    image = axes.imshow(values.reshape(side, -1), cmap="gray", vmin=0, vmax=1)
    shows(image, label, EXAMPLES, [[row]], panel)
    if example["kind"] == "estimate":
        psnr = 10 * np.log10(len(values) / example["error"] ** 2)
        axes.set_xlabel(f"{psnr:.1f}", fontsize=7, labelpad=1)

"""Figure 5: priors and noise beyond the Gaussian, and whether an estimator knows its own error."""

from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nao.analysis.calibration import CALIBRATED, posterior_over_true
from nao.analysis.sweeps import longest
from nao.figures.categories import draw_categories
from nao.figures.curves import curves, draw_curves, scale_log
from nao.figures.style import BLACK, FAINT, GREY, WIDTH, Look, Looks, style

NAMES = {
    "gaussian": "Gaussian",
    "uniform": "uniform",
    "student_t": "Student t",
    "laplace": "Laplace",
    "sparse": "sparse",
    "mixture4": "4 lines",
    "mixture16": "16 lines",
    "one": "one for all",
    "three": "÷3 to ×3",
    "ten": "÷10 to ×10",
}
"""Of settings, for readers."""


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """RMSE by prior (a), law of the noise (b) and its spread (c); predicted over true RMSE (d).

    Below, RMSE against the experts of a mixture of ridges, a panel for each mixture.
    """
    last = {name: longest(tables[name]) for name in ("priors", "noise_laws", "noise_spread")}
    drawn: list[Look] = []
    with style():
        figure = Figure(figsize=(WIDTH, 9.2), layout="constrained")
        panels = figure.subplot_mosaic("aa;bc;dd;ef", height_ratios=(5, 4.4, 3.4, 3.8))
        for letter, name, title in (
            ("a", "priors", "prior"),
            ("b", "noise_laws", "law of the noise"),
            ("c", "noise_spread", "noise level of a context"),
        ):
            drawn += draw_categories(panels[letter], last[name], looks, _names(last[name]))
            panels[letter].set_title(f"({letter})  {title}")
            panels[letter].set_ylabel(r"RMSE of $\hat w$")
        ratios = posterior_over_true(last["priors"])
        draw_categories(panels["d"], ratios, looks, _names(ratios), "posterior_rmse")
        _mark_calibrated(panels["d"])
        panels["d"].set(title="(d)  calibration, priors of (a)", ylabel="predicted / true RMSE")
        for letter, (setting, rows) in zip(
            "ef", tables["experts"].groupby("setting", sort=False), strict=True
        ):
            drawn += _draw_experts(panels[letter], rows, looks)
            panels[letter].set_title(f"({letter})  {NAMES[str(setting)]}")
        _draw_legend(figure, drawn)
    return figure


def _draw_experts(axes: Axes, table: pd.DataFrame, looks: Looks) -> list[Look]:
    found = curves(table, looks)
    draw_curves(axes, found)
    scale_log(axes, table["value"])
    axes.set(xlabel="experts $K$ of MoR", ylabel=r"RMSE of $\hat w$")
    return [curve.look for curve in found]


def _names(table: pd.DataFrame) -> list[str]:
    settings = dict.fromkeys(map(str, table["setting"]))
    return [NAMES.get(setting, setting) for setting in settings]


def _mark_calibrated(axes: Axes) -> None:
    axes.axhspan(*CALIBRATED, color=FAINT, alpha=0.5, lw=0, zorder=0.5)
    axes.axhline(1, color=GREY, lw=0.8, zorder=1)


def _draw_legend(figure: Figure, drawn: Iterable[Look]) -> None:
    """Every estimator once, and the cross."""
    looks = sorted({look.label: look for look in drawn}.values(), key=lambda look: look.order)
    handles = [Line2D([], [], label=look.label, **look.marks) for look in looks]
    handles.append(
        Line2D([], [], label="no answer, or trained/planned", color=BLACK, marker="x", ls="")
    )
    figure.legend(handles=handles, loc="outside upper center", ncols=5, columnspacing=1.2)

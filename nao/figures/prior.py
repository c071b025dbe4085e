"""Figure 1: do outputs on fresh contexts have the prior's mean, covariance and spectrum?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nao.figures.legend import COLUMNS
from nao.figures.marks import shows
from nao.figures.style import (
    BLACK,
    DIVERGING,
    FAINT,
    GREY,
    WIDTH,
    Look,
    Looks,
    look_of,
    style,
)

TABLE = "prior_moments"
COVARIANCE = "(c)  covariance"
KINDS = ("raw", "corrected")
FEWEST_EIGENVALUES = 20  # shown of a spectrum, where it has as many
ROUNDING = 1e-9  # of the largest eigenvalue: what lies below comes from rounding the estimates
SPECTRA: dict[str, dict[str, Any]] = {
    "raw": {"linestyle": (0, (3, 2)), "markerfacecolor": "white", "markersize": 5.5, "lw": 0.9},
    "corrected": {"markersize": 2.5},
}
TRUE_SPECTRUM: dict[str, Any] = {
    "ls": "none",
    "marker": "D",
    "color": BLACK,
    "ms": 7.5,
    "mfc": "none",
    "zorder": 9,
}


@dataclass(frozen=True)
class Recovered:
    """The moments of one trained estimator's outputs, replicate by replicate; failed ones left out.

    By kind: `mean` (replicates, d), `covariance` (replicates, d, d), `eigenvalues` (replicates, d).
    """

    look: Look
    mean: dict[str, Float[np.ndarray, "replicates d"]]
    covariance: dict[str, Float[np.ndarray, "replicates d d"]]
    eigenvalues: dict[str, Float[np.ndarray, "replicates d"]]
    rows: dict[str, list[int]]  # of the table, by kind
    planned: int

    @property
    def done(self) -> int:
        """Replicates whose training finished."""
        return len(self.mean["raw"])

    @property
    def label(self) -> str:
        """The estimator's name, and how many trainings finished where some did not."""
        if self.done == self.planned:
            return self.look.label
        return f"{self.look.label} ({self.done}/{self.planned} trained)"


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """The prior's mean per coordinate and spectrum above, its covariance as heat maps below."""
    table = tables[TABLE]
    true = table[table["kind"] == "true"].iloc[0]
    recovered = _recovered(table[table["kind"] != "true"], looks)
    with style():
        figure = Figure(figsize=(WIDTH, 6.0), layout="constrained")
        above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1)))
        left, right = above.subplots(1, 2, width_ratios=(1.5, 1))
        _draw_means(left, true, recovered)
        _draw_spectra(right, true, recovered)
        above.legend(
            *left.get_legend_handles_labels(),
            loc="outside upper center",
            ncols=min(COLUMNS, 1 + len(recovered)),
        )
        panels = below.subplots(len(KINDS), 1 + len(recovered))
        _draw_covariances(panels, true, recovered)
    return figure


def _recovered(rows: pd.DataFrame, looks: Looks) -> list[Recovered]:
    found = []
    for estimator, group in rows.groupby("estimator"):
        own = {kind: group[group["kind"] == kind].sort_values("replicate") for kind in KINDS}
        moments = {
            name: {kind: _finite(rows[name]) for kind, rows in own.items()}
            for name in ("mean", "covariance", "eigenvalues")
        }
        d = moments["mean"]["raw"].shape[1]
        square = {kind: flat.reshape(-1, d, d) for kind, flat in moments["covariance"].items()}
        found.append(
            Recovered(
                look_of(str(estimator), looks),
                moments["mean"],
                square,
                moments["eigenvalues"],
                {kind: _rows_of_finite(rows["mean"]) for kind, rows in own.items()},
                planned=group["replicate"].nunique(),
            )
        )
    return sorted(found, key=lambda each: each.look.order)


def _finite(vectors: pd.Series) -> Float[np.ndarray, "replicates values"]:
    stacked = np.stack([np.asarray(vector, float) for vector in vectors])
    return stacked[np.isfinite(stacked).all(axis=1)]


def _rows_of_finite(vectors: pd.Series) -> list[int]:
    """Which rows of the table `_finite` keeps."""
    return [
        int(str(row)) for row, each in vectors.items() if np.isfinite(np.asarray(each, float)).all()
    ]


def _draw_means(axes: Axes, true: pd.Series, recovered: list[Recovered]) -> None:
    """Bars of w_0 and, on each, the median and range over replicates of every estimator's mean."""
    mean, row = true["mean"], int(str(true.name))
    coordinates = np.arange(1, len(mean) + 1)
    for bar in axes.bar(coordinates, mean, width=0.85, color=FAINT, label="true"):
        shows(bar, "true", TABLE, [[row]])
    axes.axhline(0, color=BLACK, lw=0.6)
    shifts = np.linspace(-0.2, 0.2, len(recovered)) if len(recovered) > 1 else [0.0]
    size = float(np.clip(90 / len(mean), 1.2, 4.0))
    for shift, each in zip(shifts, recovered, strict=True):
        means = each.mean["raw"]
        if not each.done:
            continue
        middle = np.median(means, axis=0)
        reach = np.stack([middle - means.min(axis=0), means.max(axis=0) - middle])
        strokes = each.look.strokes | {"linestyle": "none", "markersize": size}
        drawn = axes.errorbar(
            coordinates + shift, middle, reach, label=each.label, elinewidth=1, **strokes
        )
        shows(drawn.lines[0], each.label, TABLE, [each.rows["raw"]] * len(coordinates))
    axes.set(title="(a)  prior mean $w_0$", xlabel="coordinate", ylabel="value")
    axes.set_xlim(0.3, len(mean) + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", visible=False)


def _draw_spectra(axes: Axes, true: pd.Series, recovered: list[Recovered]) -> None:
    """Eigenvalues in falling order: medians over replicates, with their range as band."""
    eigenvalues, rank, row = true["eigenvalues"], int(true["rank"]), int(str(true.name))
    shown = min(len(eigenvalues), max(FEWEST_EIGENVALUES, 2 * rank))
    order = np.arange(1, shown + 1)
    for each in recovered:
        for kind in KINDS if each.done else ():
            values = each.eigenvalues[kind][:, :shown]
            values = np.where(values > 0, values, np.nan)
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(order, low, high, color=each.look.color, alpha=0.2, lw=0)
            strokes = each.look.strokes | SPECTRA[kind]
            (line,) = axes.plot(order, np.median(values, axis=0), **strokes)
            shows(line, f"{each.label}, {kind}", TABLE, [each.rows[kind]] * shown)
    (diamonds,) = axes.plot(order[:rank], eigenvalues[:rank], **TRUE_SPECTRUM)
    shows(diamonds, "true", TABLE, [[row]] * rank)
    axes.set_yscale("log")
    axes.set_xlim(0.3, shown + 0.7)
    axes.set_ylim(bottom=max(axes.get_ylim()[0], ROUNDING * eigenvalues[0]))
    axes.set(title="(b)  spectrum of $\\Sigma_w$", xlabel="order", ylabel="eigenvalue")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.axvline(rank, color=GREY, lw=0.8, ls=(0, (4, 2)), zorder=1)
    neutral: dict[str, Any] = {"color": GREY, "marker": "o"}
    handles = [
        Line2D([], [], label="true", **TRUE_SPECTRUM),
        Line2D([], [], label="raw", **neutral | SPECTRA["raw"]),
        Line2D([], [], label="corrected", **neutral | SPECTRA["corrected"]),
        Line2D([], [], label=f"$r_w = {rank}$", color=GREY, lw=0.8, ls=(0, (4, 2))),
    ]
    axes.legend(handles=handles, loc="upper right")


def _draw_covariances(panels: np.ndarray, true: pd.Series, recovered: list[Recovered]) -> None:
    """Heat maps on one diverging scale: Σ_w, then each estimator's first finished replicate."""
    d = len(true["mean"])
    truth = np.asarray(true["covariance"], float).reshape(d, d)
    extent = float(np.abs(truth).max())
    scale: dict[str, Any] = {"cmap": DIVERGING, "vmin": -extent, "vmax": extent}
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(True)
    image = panels[0, 0].imshow(truth, **scale)
    shows(image, "true", TABLE, [[int(str(true.name))]], COVARIANCE)
    panels[0, 0].set_title(f"{COVARIANCE}\ntrue $\\Sigma_w$")
    for axes in panels[1:, 0]:
        axes.set_axis_off()
    for column, each in enumerate(recovered, 1):
        panels[0, column].set_title(each.look.label, loc="center", fontsize=7)
        for axes, kind in zip(panels[:, column], KINDS, strict=True):
            _draw_covariance(axes, each, truth, kind, scale)
    panels[0, 0].figure.colorbar(image, ax=list(panels.ravel()), shrink=0.75, pad=0.01)


def _draw_covariance(
    axes: Axes, recovered: Recovered, truth: np.ndarray, kind: str, scale: Mapping[str, Any]
) -> None:
    matrices = recovered.covariance[kind]
    if not len(matrices):
        axes.text(0.5, 0.5, "no training\nfinished", ha="center", transform=axes.transAxes)
        return
    image = axes.imshow(matrices[0], **scale)
    shows(image, f"{recovered.look.label}, {kind}", TABLE, [recovered.rows[kind][:1]], COVARIANCE)
    distance = np.linalg.norm(matrices[0] - truth) / np.linalg.norm(truth)
    axes.set_xlabel(f"{kind}: error {100 * distance:.2g} %", fontsize=7)

"""Figure 8: kernels in operators, whose rows see few directions of w well."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nao.figures.curves import plain_decades
from nao.figures.marks import shows
from nao.figures.style import (
    BLACK,
    CLASSICAL,
    FAINT,
    GREY,
    LINES,
    WIDTH,
    Look,
    Looks,
    look_of,
    style,
)

SCORES, EXAMPLES = "operators", "operators_examples"
ORACLE, EXACT = "oracle_ridge", "posterior_mean"
PRIORS = {"cosines": ("o", LINES["solid"]), "bump": ("s", LINES["dashed"])}
"""Marker of the scores and line of the oracle, by the end of a setting's name."""
SHOWN = ("ridge_l_curve", "empirical_bayes")
"""Classical estimators whose kernels are drawn beside those of the learners."""
METRICS = {"rmse": r"$L^2$ error of $\hat w$", "prediction_rmse": "prediction error"}
DEPTH = 1e-3  # of the noise floor: eigenvalues below this are not drawn


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """A row an operator: what its rows see, a kernel of each prior, and two norms of the error."""
    scores, examples = tables[SCORES], tables[EXAMPLES]
    operators = list(dict.fromkeys(each.partition("_")[0] for each in scores["setting"]))
    with style():
        figure = Figure(figsize=(WIDTH, 0.7 + 2.3 * len(operators)), layout="constrained")
        grid = figure.subplots(
            len(operators), 5, squeeze=False, width_ratios=(1, 1.1, 1.1, 1.15, 1.15)
        )
        for row, (panels, operator) in enumerate(zip(grid, operators, strict=True)):
            own = examples[examples["setting"].str.startswith(f"{operator}_")]
            _draw_spectrum(panels[0], own)
            panels[0].set_title(f"({'abcdef'[row]})  {operator}")
            for axes, prior in zip(panels[1:3], PRIORS, strict=True):
                _draw_kernel(axes, own[own["setting"] == f"{operator}_{prior}"], looks)
            for axes, metric in zip(panels[3:], METRICS, strict=True):
                chosen = scores["setting"].str.startswith(f"{operator}_")
                _draw_errors(axes, scores[chosen & (scores["metric"] == metric)], looks)
                axes.set_xlabel(METRICS[metric] if row == len(operators) - 1 else "")
            panels[4].set_yticklabels([])
        for axes, prior in zip(grid[0, 1:3], PRIORS, strict=True):
            axes.set_title(f"{prior}: $\\varphi(z)$", loc="center", fontsize=8)
        for axes, label in zip(grid[-1, :3], ("order", "$z$", "$z$"), strict=True):
            axes.set_xlabel(label)
        _draw_legend(figure, examples, looks)
    return figure


def _draw_spectrum(axes: Axes, examples: pd.DataFrame) -> None:
    """Eigenvalues of Σ_x, and for each prior the σ_ε²/n below which a direction is not seen."""
    design = examples[examples["kind"] == "design"].iloc[0]
    floors = []
    for prior, (_, line) in PRIORS.items():
        noise = examples[(examples["kind"] == "noise") & examples["setting"].str.endswith(prior)]
        for _, each in noise.iterrows():
            floors.append(float(each["values"][0]))
            axes.axhline(floors[-1], color=GREY, lw=1, ls=line)
    values = np.asarray(design["values"], float)
    values = np.where(values > DEPTH * min(floors), values, np.nan)
    order = np.arange(1, len(values) + 1)
    (drawn,) = axes.plot(order, values, color=BLACK, marker=".", lw=0.8)
    shows(drawn, "eigenvalue", EXAMPLES, [[int(str(design.name))]] * len(values))
    axes.set_yscale("log")
    axes.set_ylabel(r"eigenvalue of $\Sigma_x$")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))


def _draw_kernel(axes: Axes, examples: pd.DataFrame, looks: Looks) -> None:
    """φ(z_j) = √d w_j of the first test context, and estimates of it."""
    first = examples[examples["context"] == 0]
    true = first[first["kind"] == "true"].iloc[0]
    d = len(true["values"])
    z, heights = (np.arange(d) + 0.5) / d, np.sqrt(d) * np.asarray(true["values"], float)
    (line,) = axes.plot(z, heights, color=FAINT, lw=5, solid_capstyle="round")
    shows(line, "true", EXAMPLES, [[int(str(true.name))]] * d, "kernel")
    for _, each in _shown_kernels(first).iterrows():
        look = look_of(each["estimator"], looks)
        values = np.sqrt(d) * np.asarray(each["values"], float)
        (line,) = axes.plot(z, values, **_kernel_strokes(look))
        shows(line, look.label, EXAMPLES, [[int(str(each.name))]] * d, "kernel")
    reach = float(np.ptp(heights)) or 1.0
    axes.set_ylim(heights.min() - 0.6 * reach, heights.max() + 0.6 * reach)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _shown_kernels(examples: pd.DataFrame) -> pd.DataFrame:
    """Estimates of the learners, and of a few more."""
    estimates = examples[examples["kind"] == "estimate"]
    return estimates[estimates["estimator"].isin([*SHOWN, *_learned(estimates)])]


def _learned(rows: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(rows["estimator"].dropna()) if name not in CLASSICAL]


def _kernel_strokes(look: Look) -> dict[str, Any]:
    return {"color": look.color, "linestyle": look.line, "lw": 1.0}


def _draw_errors(axes: Axes, scores: pd.DataFrame, looks: Looks) -> None:
    """A row an estimator, a mark a prior: the median over replicates, with their range."""
    lines = scores[scores["estimator"].isin((ORACLE, EXACT))]
    names = [name for name in dict.fromkeys(scores["estimator"]) if name not in (ORACLE, EXACT)]
    for prior, (marker, line) in PRIORS.items():
        of_prior = scores["setting"].str.endswith(prior)
        shift = -0.17 if prior == "cosines" else 0.17
        for row, name in enumerate(names):
            own = scores[of_prior & (scores["estimator"] == name)]
            look, reached = look_of(name, looks), own["score"].dropna()
            if reached.empty:
                axes.text(
                    0.98,
                    row + shift,
                    "none",
                    transform=axes.get_yaxis_transform(),
                    ha="right",
                    va="center",
                    fontsize=7,
                    color=look.color,
                )
                continue
            y = row + shift
            axes.plot([reached.min(), reached.max()], [y, y], color=look.color, lw=1.2)
            (dot,) = axes.plot(reached.median(), y, marker, color=look.color, ms=3.5)
            told = f"{look.label}, {prior}"
            shows(dot, told, SCORES, [list(map(int, reached.index))], upright=False)
        for reference, color in ((ORACLE, BLACK), (EXACT, FAINT)):
            own = lines[(lines["estimator"] == reference) & lines["setting"].str.endswith(prior)]
            if not own["score"].dropna().empty and (reference == ORACLE or prior == "bump"):
                axes.axvline(own["score"].median(), color=color, lw=1.1, ls=line, zorder=1)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    plain_decades(axes.xaxis, 4 * max(high / low, 5))  # a narrow panel
    axes.set_yticks(range(len(names)), [look_of(name, looks).label for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)


def _draw_legend(figure: Figure, examples: pd.DataFrame, looks: Looks) -> None:
    names = dict.fromkeys(_shown_kernels(examples)["estimator"])
    handles = [Line2D([], [], label="true kernel", color=FAINT, lw=5)]
    for name in names:
        look = look_of(str(name), looks)
        handles.append(Line2D([], [], label=look.label, **_kernel_strokes(look)))
    for prior, (marker, line) in PRIORS.items():
        label = f"{prior}: errors, ORE, $\\sigma_\\varepsilon^2/n$"
        handles.append(Line2D([], [], label=label, color=GREY, marker=marker, ls=line, ms=3.5))
    exact = {"color": FAINT, "ls": LINES["dashed"], "lw": 1.1}
    handles.append(Line2D([], [], label="bump: posterior mean", **exact))
    figure.legend(handles=handles, loc="outside upper center", ncols=3)

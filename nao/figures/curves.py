"""One estimator's scores along a sweep, and how they are drawn: a line, a band, and the failures.

The line passes through the median over replicates and the band spans all of them, from the
smallest to the largest: with a handful of replicates a range hides nothing. Replicates whose
training failed enter neither; they are marked by a cross at the top edge with "done/planned".
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from nao.analysis.tables import SYMMETRISED
from nao.figures.marks import shows
from nao.figures.style import BLACK, FAINT, GREY, Look, Looks, look_of

Strokes = dict[str, Any]  # keyword arguments of an artist

TOP_EDGE = 0.95  # of a panel's height, where the crosses of failed trainings stand
EXPECTED: Strokes = {"color": BLACK, "lw": 5, "alpha": 0.16, "solid_capstyle": "round"}
LAW: Strokes = {"color": BLACK, "lw": 1, "linestyle": (0, (5, 2))}
BOUND: Strokes = {"color": GREY, "lw": 1, "linestyle": (0, (1.5, 1.5))}
STEPS: Strokes = {"color": GREY, "lw": 0.9, "linestyle": (0, (6, 1.5, 1, 1.5))}
MARK: Strokes = {"color": GREY, "lw": 0.8, "linestyle": (0, (4, 2))}
THIN = 0.7  # points: a line beside another that is compared with it
OUTSIDE_FIT: Strokes = {"color": FAINT, "alpha": 0.3, "lw": 0}


@dataclass(frozen=True)
class Curve:
    """The scores of one estimator over a sweep, one by one and summed up at every value."""

    look: Look
    rows: pd.DataFrame
    points: pd.DataFrame  # by value: median, min, max, count (of finished) and size (planned)

    @property
    def table(self) -> str:
        """The table that the points are from."""
        return str(self.rows["experiment"].iloc[0])

    @property
    def behind(self) -> dict[float, list[int]]:
        """The rows of the table behind the point at each value."""
        groups = [list(map(int, rows.index)) for _, rows in self.rows.groupby("value")]
        return dict(zip(self.points.index, groups, strict=True))


def curves(table: pd.DataFrame, looks: Looks, metric: str = "rmse") -> list[Curve]:
    """One curve for each estimator, in the order of the legend."""
    found = []
    for estimator, group in table[table["metric"] == metric].groupby("estimator"):
        look = look_of(str(estimator), looks)
        scores = group.groupby("value")["score"]
        points = scores.agg(["median", "min", "max", "count", "size"])
        shown = look.symmetrised if metric.startswith(SYMMETRISED) else look
        found.append(Curve(shown, group, pd.DataFrame(points)))
    return sorted(found, key=lambda curve: curve.look.order)


def draw_curves(axes: Axes, drawn: Iterable[Curve]) -> None:
    """Lines, bands and crosses of some curves on log-log axes."""
    stacked: Counter[float] = Counter()
    for curve in drawn:
        points, color = curve.points, curve.look.color
        axes.fill_between(points.index, points["min"], points["max"], color=color, alpha=0.2, lw=0)
        (line,) = axes.plot(
            points.index, points["median"], zorder=2 + curve.look.order, **curve.look.strokes
        )
        shows(line, curve.look.label, curve.table, curve.behind.values())
        lost = (points["count"] < points["size"]) & (not curve.look.derived)
        for value in points.index[lost]:
            share = f"{points['count'][value]}/{points['size'][value]}"
            cross = _cross(axes, value, share, curve.look, stacked[value])
            shows(cross, f"{curve.look.label}, {share} trained", curve.table, [curve.behind[value]])
            stacked[value] += 1


def _cross(axes: Axes, value: float, share: str, looks: Look, others: int) -> Line2D:
    """A cross at the top edge, below those of `others` at the same value."""
    height = TOP_EDGE - 0.06 * others
    place = axes.get_xaxis_transform()
    (cross,) = axes.plot(value, height, "x", color=looks.color, transform=place, zorder=20, mew=1.4)
    axes.annotate(
        share,
        (value, height),
        xycoords=place,
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=looks.color,
    )
    return cross


THEORY = {"expected_rmse": EXPECTED, "oracle_law": LAW, "rmse_bound": BOUND}


def draw_theory(axes: Axes, table: pd.DataFrame, *besides: str) -> None:
    """The oracle's expected RMSE and the other metrics of `THEORY` asked for, as mere lines.

    To be drawn after `scale_log`: a bound may be infinite or far above every estimator.
    """
    for metric in ("expected_rmse", *besides):
        line = table[table["metric"] == metric].groupby("value")["score"].median()
        line = line.where(np.isfinite(line))
        axes.plot(line.index, line, zorder=1.5, **THEORY[metric])


def draw_steps(axes: Axes, table: pd.DataFrame) -> None:
    """The least RMSE of L gradient steps in the prior's span, for every L that a learner has."""
    for layers in sorted(table.loc[table["model"].notna(), "layers"].dropna().unique()):
        chosen = (table["metric"] == "polynomial_rmse") & (table["layers"] == layers)
        line = table[chosen].groupby("value")["score"].median()
        axes.plot(line.index, line, zorder=1.5, **STEPS)
        if not line.empty:
            axes.annotate(
                f"$L = {layers}$",  # beside the panel, clear of the curves
                (1, line.iloc[-1]),
                xycoords=axes.get_yaxis_transform(),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color=GREY,
            )


def scale_log(axes: Axes, values: Iterable[float]) -> None:
    """Logarithmic axes with room for crosses; x has a tick at every value, labelled if it fits.

    Where x reaches 0 it is linear. Where panels share their y axis, all curves must be drawn before
    the first is scaled.
    """
    ticks = sorted(set(values))
    linear = not ticks or ticks[0] <= 0
    axes.set_xscale("linear" if linear else "log")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if axes.get_autoscaley_on():
        axes.set_ylim(low, high * (high / low) ** 0.12)
    plain_decades(axes.yaxis, high / low)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, labels=_with_room(ticks, ticks if linear else list(np.log(ticks))))


def plain_decades(axis: Axis, span: float) -> None:
    """Numbers such as 0.05 rather than 5×10⁻², and more in a decade the fewer decades there are."""
    if span < 2:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    else:
        subs = (1, 1.5, 2, 3, 5, 7) if span < 10 else (1, 2, 5) if span < 1000 else (1,)
        axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axis.set_minor_formatter(NullFormatter())


def _with_room(ticks: list[float], places: list[float], gap: float = 1 / 20) -> list[str]:
    """Labels of ticks; empty where the one before lies nearer than `gap` of the span."""
    labels, last = [], -np.inf
    for tick, place in zip(ticks, places, strict=True):
        crowded = place - last < gap * (places[-1] - places[0])
        labels.append("" if crowded else f"{tick:g}")
        last = last if crowded else place
    return labels


def mark(axes: Axes, value: float, text: str) -> None:
    """A vertical line with its name at the top."""
    axes.axvline(value, zorder=1, **MARK)
    axes.annotate(
        text,
        (value, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=7,
        color=GREY,
    )

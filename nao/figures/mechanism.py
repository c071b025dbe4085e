"""Figure "mechanism": how networks come to their estimates, layer by layer, and what they hold."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nao.figures.curves import EXPECTED, plain_decades
from nao.figures.marks import shows
from nao.figures.style import BLACK, GREY, WIDTH, Looks, look_of, style

TABLE = "training_length_mechanism"
ALGORITHMS = {
    "gradient": ("gradient", ":"),
    "leapfrog": ("leapfrog", (0, (5, 1.5, 1, 1.5))),
    "newton": ("Newton", (0, (4, 2))),
}
CODES = {"U": (r"largest with span$(U)$", "-"), "w_0": ("with $w_0$", (0, (1, 1)))}
HEIGHT = 6.6  # inches


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """Error (a) and kept share of the rows (b) by layer, what layers equal (c), angles (d)."""
    table = tables[TABLE]
    longest = table[table["value"] == table["value"].max()]
    learners = list(dict.fromkeys(longest["estimator"]))
    nearest = _nearest(longest)
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        above, middle, below = np.ravel(
            np.asarray(figure.subfigures(3, 1, height_ratios=(1.25, 0.85, 1)))
        )
        left, right = above.subplots(1, 2)
        _draw_by_layer(left, longest, learners, looks, "rmse")
        _draw_algorithms(left, longest)
        left.set(title="(a)  what each layer has found", ylabel=r"RMSE of $a\hat w + b$")
        _draw_by_layer(right, longest, learners, looks, "share")
        right.set(title="(b)  what it keeps of the rows", ylabel="share in span$(w_0, U)$")
        right.set_ylim(0, 1.04)
        handles = [
            Line2D([], [], label=look_of(name, looks).label, **look_of(name, looks).strokes)
            for name in learners
        ]
        handles += [
            Line2D([], [], label=label, color=BLACK, ls=line) for label, line in ALGORITHMS.values()
        ]
        handles.append(Line2D([], [], label="expected RMSE of ORE", **EXPECTED))
        above.legend(handles=handles, loc="outside upper center", ncols=4)
        _draw_distances(middle, longest[longest["estimator"] == nearest], nearest, looks)
        last = below.subplots()
        _draw_angles(last, table, learners, looks)
    return figure


def _nearest(longest: pd.DataFrame) -> str:
    """The learner that ends nearest to w, of those that never saw it where there are any."""
    ends = longest[(longest["metric"] == "rmse") & longest["estimator"].notna()]
    ends = ends[ends["layer"].notna() & (ends["layer"] == _last(ends))]
    blind = ends[ends["objective"] != "supervised"]
    medians = (ends if blind.empty else blind).groupby("estimator", sort=False)["score"].median()
    return str(medians.fillna(np.inf).idxmin())


def _last(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby("estimator")["layer"].transform("max")


def _draw_by_layer(
    axes: Axes, longest: pd.DataFrame, learners: list[str], looks: Looks, metric: str
) -> None:
    """A line a learner through the median over replicates, and their range as band."""
    rows = longest[(longest["metric"] == metric) & longest["layer"].notna()]
    for name in learners:
        look, own = look_of(name, looks), rows[rows["estimator"] == name]
        scores = own.groupby("layer")["score"]
        points = pd.DataFrame(scores.agg(["median", "min", "max"]))
        layers = points.index.to_numpy(float)
        axes.fill_between(layers, points["min"], points["max"], color=look.color, alpha=0.2, lw=0)
        (line,) = axes.plot(layers, points["median"], zorder=2 + look.order, **look.strokes)
        shows(line, look.label, TABLE, [list(map(int, each)) for each in scores.groups.values()])
    axes.set_xlabel("layers passed")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_algorithms(axes: Axes, longest: pd.DataFrame) -> None:
    """The error of every iterate, as far as the deepest network goes; they are alike for all."""
    rows = longest[(longest["metric"] == "rmse") & longest["layer"].isna()]
    rows = rows[rows["estimator"] == rows["estimator"].iloc[0]]
    deepest = int(longest["layer"].max())
    oracle = float(rows.loc[rows["against"] == "oracle", "score"].iloc[0])
    axes.plot([0, deepest], [oracle, oracle], zorder=1.5, **EXPECTED)
    for name, (_, line) in ALGORITHMS.items():
        own = rows[(rows["against"] == name) & (rows["iteration"] <= deepest)]
        axes.plot(own["iteration"].to_numpy(float), own["score"], color=BLACK, ls=line, lw=1)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    plain_decades(axes.yaxis, high / low)


def _draw_distances(place: SubFigure, longest: pd.DataFrame, learner: str, looks: Looks) -> None:
    """For each algorithm a map, layer × iterate, of how far apart they are; dots: the nearest."""
    panels = np.ravel(place.subplots(1, len(ALGORITHMS), sharey=True))
    rows = longest[longest["metric"] == "distance"]
    maps = {
        name: rows[rows["against"] == name]
        .groupby(["layer", "iteration"])["score"]
        .median()
        .unstack("iteration")
        for name in ALGORITHMS
    }
    finite = np.concatenate([each.to_numpy(float).ravel() for each in maps.values()])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    limits = (finite.min(), min(finite.max(), 4.0)) if len(finite) else (0.1, 1.0)
    image = None
    for axes, (name, distances) in zip(panels, maps.items(), strict=True):
        values = distances.to_numpy(float)
        axes.grid(visible=False)
        axes.set(title=ALGORITHMS[name][0], xlabel="iterations")
        if not np.isfinite(values).any():
            axes.text(0.5, 0.5, "no training finished", ha="center", transform=axes.transAxes)
            continue
        image = axes.imshow(
            values, cmap="viridis", norm=LogNorm(*limits), origin="lower", aspect="auto"
        )
        nearest = np.nanargmin(values, axis=1)
        axes.plot(nearest, np.arange(len(nearest)), "o", color="white", mec=BLACK, ms=4)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("layers passed")
    panels[0].set_title(f"(c)  {look_of(learner, looks).label} and  " + panels[0].get_title("left"))
    if image is not None:
        place.colorbar(image, ax=list(panels), label="distance", pad=0.01)


def _draw_angles(axes: Axes, table: pd.DataFrame, learners: list[str], looks: Looks) -> None:
    """The codes' angles at the start of training and after trainings of every length."""
    values = sorted(table["value"].dropna().unique())
    first = table[(table["metric"] == "initial_angle") & (table["value"] == values[0])]
    places = {"start": 0} | {value: place for place, value in enumerate(values, 1)}
    rows = pd.concat(
        [
            first.assign(place=0),
            table[table["metric"] == "angle"].assign(place=lambda rows: rows["value"].map(places)),
        ]
    )
    for name in learners:
        for held, (_, line) in CODES.items():
            own = rows[(rows["estimator"] == name) & (rows["against"] == held)]
            own = own[own["iteration"] == 1]  # the largest
            if own.empty:
                continue
            look, scores = look_of(name, looks), own.groupby("place")["score"]
            points = pd.DataFrame(scores.agg(["median", "min", "max"]))
            x = points.index.to_numpy(float)
            axes.fill_between(x, points["min"], points["max"], color=look.color, alpha=0.12, lw=0)
            (drawn,) = axes.plot(x, points["median"], **(look.strokes | {"linestyle": line}))
            rows_of = [list(map(int, each)) for each in scores.groups.values()]
            shows(drawn, look.label, TABLE, rows_of)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    plain_decades(axes.yaxis, high / low)
    axes.set_xticks(list(places.values()), ["start", *(f"{value:g}" for value in values)])
    axes.set(title="(d)  codes", xlabel="steps of training", ylabel="principal angle, degrees")
    axes.legend(
        handles=[
            Line2D([], [], label=label, color=GREY, ls=line) for label, line in CODES.values()
        ],
        loc="lower left",
    )

"""Errors as multiples of the oracle's, on an axis that the trained estimators fill.

What is swept along training or in the recipe moves no classical estimator. Lines of theirs far
above would press all that is compared into the foot of a panel; they are named at its top instead.
"""

import pandas as pd
from matplotlib.axes import Axes

from nao.analysis.tables import SYMMETRISED
from nao.figures.curves import Curve, draw_curves
from nao.figures.style import GREY

LABEL = r"RMSE of $\hat w$ over ORE's"
RMSE = ("rmse", f"{SYMMETRISED}rmse", "expected_rmse", "polynomial_rmse")
LEAST = 1.2  # of what the axis reaches to, lest it magnify what is nothing
ROOM = 1.06  # of a factor beyond the outermost point


def over_oracle(table: pd.DataFrame) -> pd.DataFrame:
    """The table's errors divided by the oracle's RMSE at the same value; rows keep their number."""
    rows = table[table["metric"].isin(RMSE)]
    # a base point alone has no value
    values = rows["value"].astype("Float64").fillna(0)
    own = rows[(rows["estimator"] == "oracle_ridge") & (rows["metric"] == "rmse")]
    oracle = own["score"].groupby(values[own.index]).median()
    return rows.assign(score=rows["score"] / values.map(oracle).astype(float))


def draw_ratios(axes: Axes, drawn: list[Curve]) -> None:
    """Curves of `over_oracle`; the axis reaches from the oracle to the worst trained estimator."""
    draw_curves(axes, drawn)
    trained = [curve.points for curve in drawn if curve.rows["model"].notna().any()]
    reached = [points[edge].dropna() for points in trained for edge in ("min", "max")]
    numbers = [1.0, LEAST, *pd.concat(reached)]
    axes.set_ylim(min(numbers) / ROOM, max(numbers) * ROOM)
    _name_above(axes, drawn)


def _name_above(axes: Axes, drawn: list[Curve]) -> None:
    """Which curves lie wholly above the panel, and where."""
    _, high = axes.get_ylim()
    above = [curve for curve in drawn if curve.points["min"].min() > high]
    named = [f"{curve.look.label} {curve.points['median'].median():.3g}" for curve in above]
    axes.set_title(f"↑ {', '.join(named)}" if named else "", loc="right", fontsize=7, color=GREY)

"""The legend above a figure's panels: every estimator once, then the lines of theory."""

from collections.abc import Iterable

from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nao.figures.curves import BOUND, EXPECTED, LAW, MARK, OUTSIDE_FIT, STEPS, THIN, Curve
from nao.figures.style import BLACK, GREY

COLUMNS = 4  # as many as the longest labels leave room for


def draw_legend(figure: FigureBase, drawn: Iterable[Curve], besides: Iterable[str] = ()) -> None:
    """Name each look of `drawn`, what stands `besides`, and the cross if a training failed."""
    drawn = list(drawn)
    known = {
        "expected": Line2D([], [], label="expected RMSE of ORE", **EXPECTED),
        "law": Line2D([], [], label="closed form for ORE", **LAW),
        "steps": Line2D([], [], label="best in $L$ gradient steps", **STEPS),
        "bound": Line2D([], [], label="upper bound for ORE", **BOUND),
        "symmetrised": Line2D([], [], label="symmetrised", color=GREY, ls=(0, (1, 1))),
        "fitted_at": Line2D([], [], label="fitted at", **MARK),
        "trained_there": Line2D([], [], label="trained there", color=GREY, lw=THIN),
        "outside": Patch(label="$r_w ≥ n/2$, not fitted", **OUTSIDE_FIT),
        "failed": Line2D([], [], label="trained/planned", color=BLACK, marker="x", ls=""),
    }
    looks = {curve.look.label: curve.look for curve in drawn}
    handles: list[Line2D | Patch] = [
        Line2D([], [], label=label, **look.strokes) for label, look in looks.items()
    ]
    handles += [known[name] for name in besides]
    if any((curve.points["count"] < curve.points["size"]).any() for curve in drawn):
        handles.append(known["failed"])
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(COLUMNS, len(handles)),
        columnspacing=1.2,
    )

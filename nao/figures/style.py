"""The one style sheet: every figure's type, lines and colours, and one look for each estimator.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; since a print may be
grey, markers and line styles differ too. The looks of trained estimators are the configuration's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl

from nao.config import LearnerSpec, LookSpec

WIDTH = 7.0  # inches: the text width of a two-column page
RESOLUTION = 200  # dots per inch of the PNG

BLACK, GREY, FAINT = "#000000", "#7F7F7F", "#C8C8C8"
GREEN, BLUE, VERMILLION, PURPLE = "#009E73", "#0072B2", "#D55E00", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
PALETTE = {
    "green": GREEN,
    "blue": BLUE,
    "vermillion": VERMILLION,
    "purple": PURPLE,
    "orange": ORANGE,
    "sky": SKY,
}
"""Names that the configuration may give a learner's colour."""
DIVERGING = "cividis"  # lighter the larger, in print, too; blue below 0, grey there, yellow above

SHEET: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": RESOLUTION,
    "figure.dpi": RESOLUTION,
    "pdf.fonttype": 42,  # real letters, which a reader can search and copy
    "svg.fonttype": "none",
    "path.simplify": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save under the sheet, whatever the reader's own matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SHEET)
        yield


@dataclass(frozen=True)
class Look:
    """How one estimator is drawn in every figure."""

    label: str
    color: str
    marker: str
    line: str | tuple[float, tuple[float, ...]] = "-"
    filled: bool = True
    order: int = 0  # in the legend, and from the back to the front
    derived: bool = False  # shares its trainings, and their failures, with another estimator

    @property
    def strokes(self) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot`."""
        return {
            "color": self.color,
            "linestyle": self.line,
            "marker": self.marker,
            "markeredgecolor": self.color,
            "markerfacecolor": self.color if self.filled else "white",
        }

    @property
    def marks(self) -> dict[str, Any]:
        """The same without a line, where values have no order."""
        return self.strokes | {"linestyle": ""}

    @property
    def symmetrised(self) -> "Look":
        """Of the same estimator's estimates averaged over orders and signs of the rows."""
        label = f"{self.label}, symmetrised"
        return replace(self, label=label, line=(0, (1, 1)), marker="None", derived=True)


Looks = Mapping[str, Look]
"""By the name of the estimator."""

TRAINED, LAST = 12, 100  # where in the order the trained estimators begin, and the oracle stands
CLASSICAL = {
    "least_squares": Look("least squares", ORANGE, "x", (0, (1, 2)), order=0),
    "lasso": Look("Lasso", ORANGE, "+", (0, (5, 1.5, 1, 1.5)), order=1),
    "ridge": Look("RE", GREY, "v", ":", order=2),
    "ridge_l_curve": Look("RE, L-curve", GREY, "4", (0, (4, 2)), order=3),
    "dartr": Look("DARTR", PURPLE, "1", (0, (4, 2)), order=4),
    "dartr_gcv": Look("DARTR, GCV", PURPLE, "2", ":", order=5),
    "two_stage_ridge": Look("TRE", GREEN, "^", (0, (5, 1.5, 1, 1.5)), order=6),
    "two_stage_ridge_debiased": Look("TRE debiased", GREEN, "^", (0, (4, 2)), False, order=7),
    "empirical_bayes": Look("EM", SKY, "P", (0, (5, 1.5, 1, 1.5)), order=8),
    "mixture_em": Look("EM, mixture", SKY, "P", (0, (4, 2)), False, order=9),
    "gaussian_em": Look("EM, full rank", SKY, "X", (0, (1, 1)), order=10),
    "principal_components": Look("PCA least squares", GREEN, "v", (0, (1, 1)), False, order=11),
    "oracle_ridge": Look("ORE", BLACK, "D", "-", order=LAST),
    "posterior_mean": Look("posterior mean", BLACK, "D", (0, (4, 2)), False, order=LAST + 1),
}
LINES = {
    "solid": "-",
    "dashed": (0, (4, 2)),
    "dotted": (0, (1, 1)),
    "dashdot": (0, (5, 1.5, 1, 1.5)),
    "long": (0, (6, 1)),
}
UNSPECIFIED = [
    LookSpec.model_validate({"color": color, "marker": marker, "line": line})
    for line, markers in (("solid", "<>8"), ("dashed", "pX*"), ("long", "hHd"))
    for color, marker in zip(("purple", "orange", "sky"), markers, strict=True)
]
"""Looks of learners to which the configuration gives none, in turn."""


def looks_of(learners: Mapping[str, LearnerSpec]) -> Looks:
    """The look of every classical estimator and of the learners, in the order given."""
    found, free = dict(CLASSICAL), 0
    for order, (name, learner) in enumerate(learners.items(), TRAINED):
        given = learner.look or UNSPECIFIED[free % len(UNSPECIFIED)]
        free += learner.look is None
        color = PALETTE.get(given.color, given.color)
        found[name] = Look(
            learner.label, color, given.marker, LINES[given.line], given.filled, order
        )
    return found


def look_of(estimator: str, looks: Looks) -> Look:
    """The look of one estimator. Raises ValueError where it has none."""
    if estimator not in looks:
        raise ValueError(
            f"no look is given to estimator = {estimator!r}; name it among the learners of "
            "config.yaml, or in nao/figures/style.py"
        )
    return looks[estimator]

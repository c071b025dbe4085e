"""The one style sheet: every figure's type, lines and colours, and one look for each estimator.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; since a print may be
grey, markers and line styles differ too. A trained estimator's colour and marker say by which
objective it was trained, its line and filling which symmetry of the rows the training knew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

WIDTH = 7.0  # inches: the text width of a two-column page
RESOLUTION = 200  # dots per inch of the PNG

BLACK, GREY, FAINT = "#000000", "#7F7F7F", "#C8C8C8"
GREEN, BLUE, VERMILLION, PURPLE = "#009E73", "#0072B2", "#D55E00", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
DIVERGING = "RdBu_r"

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
    order: int = 0  # from the weakest estimator to the oracle, as in the legend
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


CLASSICAL = {
    "least_squares": Look("least squares", ORANGE, "x", (0, (1, 2)), order=0),
    "ridge": Look("RE", GREY, "v", ":", order=1),
    "two_stage_ridge": Look("TRE", GREEN, "^", (0, (5, 1.5, 1, 1.5)), order=2),
    "two_stage_ridge_debiased": Look("TRE debiased", GREEN, "^", (0, (4, 2)), False, order=3),
    "empirical_bayes": Look("EM", SKY, "P", (0, (5, 1.5, 1, 1.5)), order=8),
    "oracle_ridge": Look("ORE", BLACK, "D", "-", order=9),
}
#: trained estimator -> its name, and a marker for each objective
LEARNED = {
    "nao": ("NAO", {"misfit": "o", "heldout": "s", "supervised": "p"}),
    "nao_symmetrised": ("NAO symmetrised", {"misfit": "1", "heldout": "2", "supervised": "3"}),
    "upg": ("UPG", {"misfit": "h", "heldout": "d", "supervised": "*"}),
}
OBJECTIVES = {"misfit": (VERMILLION, 4), "heldout": (BLUE, 5), "supervised": (PURPLE, 6)}
ROW_SYMMETRIES = {
    "permute": ("-", True, ""),
    "none": ((0, (4, 2)), False, ", fixed rows"),
    "rotate": ((0, (6, 1)), True, ", rotated rows"),
}
SYMMETRISED_LINES = {"permute": (0, (1, 1)), "none": (0, (1, 2.5)), "rotate": (0, (1, 1, 3, 1))}


def look(estimator: str, objective: str | None = None, row_symmetry: str | None = None) -> Look:
    """The look of one estimator. Raises ValueError where the sheet gives it none."""
    if estimator in CLASSICAL:
        return CLASSICAL[estimator]
    if (
        estimator not in LEARNED
        or objective not in OBJECTIVES
        or row_symmetry not in ROW_SYMMETRIES
    ):
        raise ValueError(
            f"no look is given to estimator = {estimator!r} with objective = {objective!r} and "
            f"row_symmetry = {row_symmetry!r}; add it to nao/figures/style.py"
        )
    name, markers = LEARNED[estimator]
    color, order = OBJECTIVES[objective]
    line, filled, remark = ROW_SYMMETRIES[row_symmetry]
    derived = estimator == "nao_symmetrised"
    if derived:
        line = SYMMETRISED_LINES[row_symmetry]
    label = f"{name} {objective}{remark}"
    return Look(label, color, markers[objective], line, filled, order, derived)

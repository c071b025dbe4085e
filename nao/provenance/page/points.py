"""The points of a figure: where each stands in the picture, and what it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nao.provenance.lineage import Lineage, LineageError, behind, lineage, rows_of
from nao.provenance.marks import Fractions, Mark, Series, series_in
from nao.provenance.page.document import number

CONFIGURED = ("train", "evaluate_baseline")  # the rules whose params a reader asks for first


@dataclass(frozen=True)
class Point:
    """A mark of a figure, its name in words, and what the page shows when it is chosen."""

    id: str
    panel: str
    label: str
    at: Fractions
    x: float | None
    y: float | None
    spoken: str
    content: dict[str, Any]

    @property
    def done(self) -> str:
        """How many of its replicates were scored."""
        return dict(self.content["facts"])["done"]

    @property
    def sources(self) -> list[str]:
        """The runs, or data sets of other estimators, that the point rests on."""
        return self.content["sources"]


def points_in(path: Path) -> list[Point]:
    """Every point of a figure that its record leads from; in the order in which it was drawn."""
    series = series_in(path)
    try:
        found = lineage(path)
        rows = rows_of(found)
    except LineageError:
        return []  # without a record there is nothing to follow, which the verdict says
    by_row = rows.set_index(["table", "row"], drop=False).sort_index()
    points = []
    for entry in series:
        for mark in entry.marks:
            wanted = [(entry.path, row) for row in mark.rows]
            chosen = by_row[by_row.index.isin(wanted)]
            if len(chosen):
                name = f"{path.stem}-{len(points)}"
                points.append(_point(name, entry, mark, chosen.reset_index(drop=True), found))
    return points


def _point(name: str, series: Series, mark: Mark, rows: pd.DataFrame, found: Lineage) -> Point:
    where = series.label if mark.x is None else f"{series.label} at {series.x} = {mark.x:g}"
    what = f": {series.y} = {number(mark.y)}" if mark.y is not None and series.y else ""
    spoken = f"{where}{what}"
    records = behind(found, rows)
    content = {
        "spoken": spoken,
        "facts": [
            ["panel", series.panel],
            ["replicates", _replicates(rows)],
            ["done", f"{int(rows['done'].sum())} of {len(rows)}"],
            ["table", f"{rows['table'].iloc[0]}, rows {', '.join(map(str, sorted(rows['row'])))}"],
        ],
        "sources": sorted(set(rows["source"])),
        "artefacts": [
            [name, record is not None and record.rule in CONFIGURED]
            for name, record in records.items()
        ],
    }
    return Point(name, series.panel, series.label, mark.at, mark.x, mark.y, spoken, content)


def _replicates(rows: pd.DataFrame) -> str:
    """Each replicate's own number, where the table has one."""
    told = []
    for row in rows.to_dict("records"):
        name = "none: needs no training contexts"
        if not pd.isna(row.get("replicate")):
            name = str(int(row["replicate"]))
        told.append(f"{name} ({number(row['score'])})" if "score" in row else name)
    return ", ".join(told)


def summary(points: list[Point]) -> str:
    """The content of a figure in words: for each panel the curves, from their first to last y."""
    panels: dict[str, dict[str, list[float]]] = {}
    for point in points:
        numbers = panels.setdefault(point.panel, {}).setdefault(point.label, [])
        numbers += [] if point.y is None else [point.y]
    told = []
    for panel, curves in panels.items():
        parts = [f"{label}{_course(numbers)}" for label, numbers in curves.items()]
        told.append(f"{panel}: {', '.join(parts)}.")
    return " ".join(told)


def _course(numbers: list[float]) -> str:
    if not numbers:
        return ""
    first, last = number(numbers[0]), number(numbers[-1])
    return f" {first}" if len(numbers) == 1 else f" from {first} to {last}"

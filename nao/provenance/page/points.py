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
    name: str  # the label, with the setting where the point is of one
    value: float | None  # at which it was made, of what is swept
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


def _point(id: str, series: Series, mark: Mark, rows: pd.DataFrame, found: Lineage) -> Point:
    name, x = _name(series, rows), _x(series, mark, rows)
    where = name if x is None else f"{name} at {series.x} = {x:g}"
    spoken = f"{where}{_measured(series, mark, rows)}"
    records = behind(found, rows)
    content = {
        "spoken": spoken,
        "facts": [
            ["panel", series.panel],
            ["replicates", _replicates(rows)],
            ["done", f"{int(rows['done'].sum())} of {len(rows)}"],
            ["table", f"{rows['table'].iloc[0]}, rows {', '.join(map(str, sorted(rows['row'])))}"],
        ],
        "sources": sorted(set(_made(rows)["source"])),
        "artefacts": [
            [artefact, record is not None and record.rule in CONFIGURED]
            for artefact, record in records.items()
        ],
    }
    value = _only(rows, "value")
    return Point(id, series.panel, series.label, name, value, mark.at, x, mark.y, spoken, content)


def _made(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the truth, which stands in the row of a run and rests on none."""
    return rows[rows["kind"] != "true"] if "kind" in rows else rows


def _measured(series: Series, mark: Mark, rows: pd.DataFrame) -> str:
    """What it shows: as its axis upwards says, or the score of its rows where there is none."""
    if mark.y is not None and series.y:
        return f": {series.y} = {number(mark.y)}"
    metric = _only(rows, "metric")
    return f": {metric} = {number(rows['score'].median())}" if metric else ""


def _name(series: Series, rows: pd.DataFrame) -> str:
    setting = _only(rows, "setting")
    return series.label if setting is None else f"{series.label}, {setting}"


def _only(rows: pd.DataFrame, column: str) -> Any:
    """The one value of a column; None where there are several, or no such column."""
    values = rows[column].dropna().unique() if column in rows else ()
    return values[0] if len(values) == 1 else None


def _x(series: Series, mark: Mark, rows: pd.DataFrame) -> float | None:
    """Where it stands across; None where that is the score, or a place that means nothing."""
    if mark.x is None or not series.x or (mark.y is None and "score" in rows):
        return None
    # Of moments each mark shows a coordinate or an order, and stands beside its place.
    return mark.x if "score" in rows else round(mark.x)


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

"""What a PNG says of its own marks: which rows of which table each of them shows."""

from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from nao.provenance.pictures import embedded_marks
from nao.targets import table

Fractions = tuple[float, float, float, float]  # left, top, width, height of the picture's own


class Mark(BaseModel):
    """One mark of a curve, as `nao.figures.marks` tells it."""

    at: Fractions
    x: float | None
    y: float | None
    rows: list[int]


class Series(BaseModel):
    """What one artist of a figure shows: a curve, a bar, a map."""

    panel: str
    x: str
    y: str
    label: str
    table: str
    marks: list[Mark]

    @property
    def path(self) -> str:
        """The table's path in its tree."""
        return table(self.table)


def series_in(path: Path) -> list[Series]:
    """What the picture says of its own marks; empty where that is nothing, or no such thing."""
    try:
        text = embedded_marks(path)
        return TypeAdapter(list[Series]).validate_json(text) if text else []
    except (OSError, ValidationError):
        return []


def rows_in(path: Path) -> set[tuple[str, int]]:
    """Table and number of each row that a picture shows; a PDF's are its PNG's."""
    series = series_in(path.with_suffix(".png"))
    return {(each.path, row) for each in series for mark in each.marks for row in mark.rows}

"""The figures: `draw(name, tables, looks)` makes one from experiment tables, `save` writes it.

Drawing reads numbers and computes none that a table should hold, so a change of style leaves every
table as it was. Neither torch nor any training is imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from nao.figures import contexts, prior, recipe, scaling, training_length
from nao.figures.marks import marks
from nao.figures.style import Looks, looks_of, style
from nao.files import atomic_path

__all__ = ["FIGURES", "Drawing", "draw", "looks_of", "marks", "save"]


@dataclass(frozen=True)
class Drawing:
    """How a figure is made: the tables that it shows, by name, and the function that draws them."""

    tables: tuple[str, ...]
    draw: Callable[[Mapping[str, pd.DataFrame], Looks], Figure]


FIGURES = {
    "fig1": Drawing(prior.TABLES, prior.draw),
    "fig2": Drawing(contexts.TABLES, contexts.draw),
    "fig3": Drawing(scaling.TABLES, scaling.draw),
    "fig7": Drawing(training_length.TABLES, training_length.draw),
    "recipe": Drawing(recipe.TABLES, recipe.draw),
}


def draw(name: str, tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """The figure of that name. Raises ValueError where it is unknown or a table is not given."""
    if name not in FIGURES:
        raise ValueError(f"figure = {name!r} is unknown; choose one of {', '.join(FIGURES)}")
    if absent := [table for table in FIGURES[name].tables if table not in tables]:
        raise ValueError(
            f"{name} needs the tables {', '.join(FIGURES[name].tables)}, but not given is "
            f"{', '.join(absent)}; add its experiment to config.yaml"
        )
    return FIGURES[name].draw(tables, looks)


def save(
    figure: Figure, path: str | Path, metadata: Mapping[str, str | None] | None = None
) -> None:
    """Write a figure as PNG or PDF, atomically; equal figures give equal bytes.

    `metadata` goes into the file as it is (`matplotlib.figure.Figure.savefig`).
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".pdf"):
        raise ValueError(f"{path}: a figure is saved as .png or .pdf; change the suffix")
    undated = {"CreationDate": None} if suffix == ".pdf" else {}
    with atomic_path(path) as temporary, style():
        figure.savefig(temporary, metadata=undated | dict(metadata or {}))

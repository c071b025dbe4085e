"""The figures: `draw(name, tables, looks)` makes one from experiment tables, `save` writes it.

Drawing reads numbers and computes none that a table should hold, so a change of style leaves every
table as it was. Neither torch nor any training is imported, and matplotlib only to draw: which
tables a figure shows is asked by many that draw none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from nao.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from nao.figures.style import Looks

__all__ = ["FIGURES", "Drawing", "draw", "save"]


@dataclass(frozen=True)
class Drawing:
    """How a figure is made: by which function, from which tables, in the order of its panels."""

    function: str  # `module:name`; takes the tables, and the looks of estimators, by name
    tables: tuple[str, ...]


FIGURES = {
    "fig1": Drawing("nao.figures.prior:draw", ("prior_moments",)),
    "fig2": Drawing("nao.figures.contexts:draw", ("contexts",)),
    "fig3": Drawing(
        "nao.figures.scaling:draw", ("noise", "task_dimension", "condition", "context_length")
    ),
    "fig4": Drawing("nao.figures.depth:draw", ("depth",)),
    "fig5": Drawing("nao.figures.priors:draw", ("priors", "noise_laws", "noise_spread", "experts")),
    "fig6": Drawing("nao.figures.ablations:draw", ("ablations",)),
    "fig7": Drawing("nao.figures.training_length:draw", ("training_length",)),
    "fig8": Drawing("nao.figures.operators:draw", ("operators", "operators_examples")),
    "fig9": Drawing("nao.figures.digits:draw", ("digits", "digits_examples")),
    "fig10": Drawing(
        "nao.figures.shifted:draw",
        (
            "shifted_noise",
            "shifted_condition",
            "shifted_task_dimension",
            "shifted_subspace",
            "noise",
            "condition",
            "task_dimension",
        ),
    ),
    "mechanism": Drawing("nao.figures.mechanism:draw", ("training_length_mechanism",)),
    "recipe": Drawing(
        "nao.figures.recipe:draw",
        (
            "recipe_layers",
            "recipe_learning_rate",
            "recipe_norm_rate",
            "recipe_code",
            "recipe_code_share",
            "recipe_batch",
            "recipe_variants",
        ),
    ),
}


def draw(name: str, tables: "Mapping[str, pd.DataFrame]", looks: "Looks") -> "Figure":
    """The figure of that name. Raises ValueError where it is unknown or a table is not given."""
    if name not in FIGURES:
        raise ValueError(f"figure = {name!r} is unknown; choose one of {', '.join(FIGURES)}")
    wanted = FIGURES[name].tables
    if absent := [table for table in wanted if table not in tables]:
        raise ValueError(
            f"{name} needs the tables {', '.join(wanted)}, but not given is "
            f"{', '.join(absent)}; add its experiment to config.yaml"
        )
    return resolve_name(FIGURES[name].function)({table: tables[table] for table in wanted}, looks)


def save(
    figure: "Figure", path: str | Path, metadata: Mapping[str, str | None] | None = None
) -> None:
    """Write a figure as PNG or PDF, atomically; equal figures give equal bytes.

    `metadata` goes into the file as it is (`matplotlib.figure.Figure.savefig`).
    """
    from nao.figures.style import style

    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".pdf"):
        raise ValueError(f"{path}: a figure is saved as .png or .pdf; change the suffix")
    undated = {"CreationDate": None} if suffix == ".pdf" else {}
    with atomic_path(path) as temporary, style():
        figure.savefig(temporary, metadata=undated | dict(metadata or {}))

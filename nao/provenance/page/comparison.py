"""The page of a comparison: what differs between two trees or files, and by how much."""

from pathlib import Path
from typing import Any

from nao.provenance.difference import Difference
from nao.provenance.page.document import number, picture, write_document

KINDS = ("differs", "equal")
CAUSES = ("notes", "inputs", "params", "code", "environment")


def write_comparison(found: list[Difference], one: Path, two: Path, out: Path) -> None:
    """Write the page of what `compare` found between the two; pictures that differ side by side.

    Raises :class:`nao.provenance.page.PageError` where it would become too large.
    """
    told = [_artefact(each) for each in found]
    pairs = {each.name: (_place(one, each.name), _place(two, each.name)) for each in found}

    def content(width: int) -> dict[str, Any]:
        pictures = {
            name: [picture(path, width // 2) for path in paths]
            for name, paths in pairs.items()
            if Path(name).suffix == ".png" and any(path.is_file() for path in paths)
        }
        return {
            "one": one,
            "two": two,
            "artefacts": [each | {"pictures": pictures.get(each["name"], [])} for each in told],
            "counts": {kind: sum(each["kind"] == kind for each in told) for kind in KINDS},
        }

    write_document(out, "comparison.html", content)


def _place(named: Path, name: str) -> Path:
    """Where an artefact lies in a tree, or in the one tree of a folder; a file is itself."""
    if not named.is_dir():
        return named
    return next((path for path in named.glob(f"*/{name}") if path.is_file()), named / name)


def _artefact(found: Difference) -> dict[str, Any]:
    states = {True: "same bytes", False: "other bytes", None: "not in both"}
    return {
        "name": found.name,
        "kind": "equal" if found.equal else "differs",
        "state": states[found.same_bytes],
        "causes": {part: texts for part in CAUSES if (texts := getattr(found, part))},
        "moved": [
            [each.column, str(each.count), number(each.largest), number(each.relative)]
            for each in found.numbers
        ],
    }

"""Results trees on disk: where one begins, which of its files are artefacts, what each is like.

Only looks: a file is opened to hash it, where its size is the recorded one, or to read its record;
no link is followed, and nothing but plain files is opened.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from nao.provenance import pictures
from nao.provenance.hashing import sha256_of
from nao.provenance.schema import (
    RECORDS,
    Hash,
    Part,
    Record,
    RecordError,
    RelativePath,
    artefact_of,
    read_record,
    record_path,
)

PUBLISHED = "published.json"  # at the top of a tree that ships but a part of itself
NO_ARTEFACTS = frozenset({"logs", "checkpoints", "benchmarks", PUBLISHED})  # at the top of a tree
PICTURES = frozenset({".png", ".pdf"})
LARGEST_PICTURE = 100 * 1000**2  # bytes


class Publication(Part):
    """What a published tree ships, and the seal of the audit of the tree that it was taken from."""

    schema_: Literal["nao-published/1"] = Field(default="nao-published/1", alias="schema")
    seal: Hash
    files: list[RelativePath]


def publication_of(base: Path) -> Publication | None:
    """What the tree ships; None where it is whole, or says nothing that can be believed."""
    try:
        return Publication.model_validate_json((base / PUBLISHED).read_bytes())
    except (OSError, ValidationError):
        return None


def trees_in(folder: Path) -> list[Path]:
    """The results trees in a folder: those that hold records."""
    return sorted(path.parent for path in folder.glob(f"*/{RECORDS}") if _is_folder(path))


@dataclass(frozen=True)
class Facts:
    """What one artefact and its record are like on disk; no judgement yet."""

    size: int | None = None  # None: there is no such file
    sha256: str | None = None  # None: not read, where it is too long or short, or has no record
    oddity: str | None = None  # what it is instead of a plain file inside the tree
    unreadable: str | None = None  # why this user cannot look
    record: Record | None = None
    record_error: RecordError | None = None
    embedded: str | None = None  # the id inside a picture


def facts_of(path: Path, base: Path) -> Facts:
    """Look at one artefact; ``path`` lies under the tree ``base``."""
    known = Facts()
    try:
        known = _record_of(path, base)
        if oddity := _oddity(path, base):
            return replace(known, oddity=oddity)
        size = path.stat().st_size
        known = replace(known, size=size)
        if known.record is not None and path.suffix in PICTURES and size < LARGEST_PICTURE:
            known = replace(known, embedded=pictures.embedded_id(path))
        if known.record is not None and known.record.artefact.size == size:
            known = replace(known, sha256=sha256_of(path))
        return known
    except FileNotFoundError:
        return known
    except OSError as fault:
        return replace(known, unreadable=fault.strerror or str(fault))


def _record_of(path: Path, base: Path) -> Facts:
    place = record_path(base, path.relative_to(base).as_posix())
    try:
        if oddity := _oddity(place, base):
            raise RecordError(f"record is {oddity}")
        return Facts(record=read_record(place))
    except FileNotFoundError:
        return Facts()
    except RecordError as error:
        return Facts(record_error=error)


def _oddity(path: Path, base: Path) -> str | None:
    """What keeps ``path`` from being a plain file that lies in the tree; None if nothing does."""
    for parent in (*reversed(path.relative_to(base).parents[:-1]), path.relative_to(base)):
        try:
            mode = (base / parent).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None  # absent, which is for others to judge
        if stat.S_ISLNK(mode):
            return f"a symbolic link ({parent.as_posix()})"
    return None if stat.S_ISREG(mode) else "no plain file"


def artefacts_in(folder: Path) -> list[Path]:
    """Artefacts under ``folder``, with or without a record, and those of which only a record is.

    Hidden files, and logs and checkpoints at the top of a tree, are no artefacts.
    """
    places = {parent / RECORDS / folder.relative_to(parent): parent for parent in folder.parents}
    found = set()
    for place, above in ({folder: folder} | places).items():
        for path in _files(place):
            inner = path.relative_to(above)
            found.add(above / (artefact_of(inner) or inner))
    return sorted(found)


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        # a link to a folder is itself the finding
        for name in [name for name in folders if (Path(where) / name).is_symlink()]:
            yield Path(where) / name
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(where) / name for name in files if not name.startswith("."))


def is_artefact(path: Path, base: Path) -> bool:
    """Whether a file is one that a record should stand beside."""
    return path.relative_to(base).parts[0] not in NO_ARTEFACTS


def bases_of(paths: Iterable[Path]) -> dict[Path, Path]:
    """The tree that each path lies in: the outermost folder above it that holds a record in place.

    A record of ``runs/a/model.safetensors`` at ``…/records/runs/a/model.safetensors.json`` says
    that the tree begins at ``…``. Trees inside trees are not believed. A path in no known tree
    begins one: the folder ``results/<name>`` above it, else its own folder.
    """
    paths = list(paths)
    holders = {parent for path in paths for parent in path.parents if _is_folder(parent / RECORDS)}
    bases = {
        base
        for path in paths
        for base in holders.intersection(path.parents)
        if _holds_record(base, path.relative_to(base).as_posix())
    }
    return {path: next(_outermost(path, bases), None) or _usual_base(path) for path in paths}


def _is_folder(path: Path) -> bool:
    """Whether it is one, as far as this user can see."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def _outermost(path: Path, bases: set[Path]) -> Iterator[Path]:
    return (base for base in reversed(path.parents) if base in bases)


def _holds_record(base: Path, artefact: str) -> bool:
    try:
        return read_record(record_path(base, artefact)).artefact.path == artefact
    except (OSError, RecordError):
        return False


def _usual_base(path: Path) -> Path:
    parts = path.parts
    for index in range(len(parts) - 3, 0, -1):
        if parts[index] == "results":
            return Path(*parts[: index + 2])
    return path.parent

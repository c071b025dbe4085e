"""Two records, or two results trees: what differs, and by how much the numbers moved."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nao.provenance.hashing import sha256_of
from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.schema import Record, RecordError, artefact_of, read_record, record_path
from nao.provenance.today import code_changes, differences, functions
from nao.provenance.trees import artefacts_in, bases_of, is_artefact

KEY_COLUMNS = ("experiment", "axis", "value", "estimator", "model", "objective",
               "layers", "replicate", "metric", "kind", "claim", "context", "step")  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """How far the numbers of one column moved."""

    column: str
    count: int  # numbers that differ
    largest: float  # |a − b|
    relative: float  # largest |a − b| / max(|a|, |b|)


@dataclass
class Difference:
    """What differs between two makings of one artefact; empty where nothing does."""

    name: str
    same_bytes: bool | None = None  # None: one of them is not there
    inputs: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    numbers: list[Moved] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Same bytes by the same means; the machine may be another."""
        causes = self.inputs or self.params or self.code or self.notes
        return self.same_bytes is True and not causes


def compare(one: Path, two: Path) -> list[Difference]:
    """Compare two files (artefacts or records), or two trees artefact by artefact, by name."""
    for path in (one, two):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; name two artefacts, or two folders")
    if one.is_dir() != two.is_dir():
        raise FileNotFoundError(f"{one} and {two} are a file and a folder; name two of a kind")
    if one.is_dir():
        left, right = _named(one), _named(two)
        names = sorted(left.keys() | right.keys())
        return [_compare_files(name, left.get(name), right.get(name)) for name in names]
    for path in (one, two):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file; name two artefacts, or two folders")
    one, two = (artefact_of(path.absolute()) or path for path in (one, two))
    name = one.name if one.name == two.name else f"{one.name} and {two.name}"
    return [_compare_files(name, one, two)]


def _named(folder: Path) -> dict[str, Path]:
    paths = artefacts_in(folder.absolute())
    bases = bases_of(paths)
    single = len(set(bases.values())) == 1
    return {
        path.relative_to(bases[path] if single else folder.absolute()).as_posix(): path
        for path in paths
        if is_artefact(path, bases[path])
    }


def _compare_files(name: str, one: Path | None, two: Path | None) -> Difference:
    found = Difference(name)
    if one is None or two is None:
        found.notes.append(f"is only in the {'second' if one is None else 'first'}")
        return found
    try:
        _compare_contents(one, two, found)
    except PermissionError as fault:
        found.notes.append(f"{fault.filename} cannot be read: {fault.strerror}")
    records = [_read(path, found) for path in (one, two)]
    if records[0] is not None and records[1] is not None:
        _compare_records(records[0], records[1], found)
    return found


def _compare_contents(one: Path, two: Path, found: Difference) -> None:
    if odd := [path for path in (one, two) if not path.is_file()]:
        found.notes.append(f"{odd[0]} is no plain file")
        return
    # Sizes first: a sparse file may have any.
    same_size = one.stat().st_size == two.stat().st_size
    found.same_bytes = same_size and sha256_of(one) == sha256_of(two)
    if not found.same_bytes and one.suffix == two.suffix == ".parquet":
        found.numbers, notes = numbers_moved(one, two)
        found.notes += notes


def _read(artefact: Path, found: Difference) -> Record | None:
    try:
        path = artefact.absolute()
        base = bases_of([path])[path]
        return read_record(record_path(base, path.relative_to(base).as_posix()))
    except FileNotFoundError:
        found.notes.append(f"{artefact} has no record")
    except (RecordError, PermissionError) as error:
        found.notes.append(f"{artefact}: {error}")
    return None


def _compare_records(one: Record, two: Record, found: Difference) -> None:
    left, right = ({i.path: i.sha256 for i in record.inputs} for record in (one, two))
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            where = {(False, True): "only in the second", (True, False): "only in the first"}
            found.inputs.append(f"{path} {where.get((path in left, path in right), 'differs')}")
    for part in ("rule", "params", "wildcards", "seeds"):
        found.params += differences(getattr(one, part), getattr(two, part), part)
    if one.code.fingerprint != two.code.fingerprint:
        found.code = code_changes(functions(one.code), functions(two.code))
    found.environment = differences(_environment(one), _environment(two), "environment")


def _environment(record: Record) -> dict[str, Any]:
    git = record.git.model_dump(exclude={"diff_sha256"}) if record.git else {}
    return {**record.environment.model_dump(mode="json"), **git}


def numbers_moved(one: Path, two: Path) -> tuple[list[Moved], list[str]]:
    """Column by column, rows matched by the columns that name a point, else by their order."""
    try:
        a, b = read_table(one), read_table(two)
    except UnreadableTable as error:
        return [], [str(error)]
    notes = [f"column {c} is in one only" for c in sorted(set(a.columns) ^ set(b.columns))]
    keys = [key for key in KEY_COLUMNS if key in a and key in b]
    shared = [str(column) for column in a if column in b and column not in keys]
    unique = keys and not a.duplicated(keys).any() and not b.duplicated(keys).any()
    if unique:
        joined = a.merge(b, on=keys, suffixes=("", " (second)"))
        if (lost := len(a) + len(b) - 2 * len(joined)) > 0:
            notes.append(f"{lost} rows have no counterpart")
        pairs = {c: (joined[c], joined[f"{c} (second)"]) for c in shared}
    elif len(a) == len(b):
        pairs = {c: (a[c], b[c]) for c in shared}
    else:
        return [], [*notes, f"{len(a)} rows and {len(b)}"]
    moved = (_moved(column, *pair) for column, pair in pairs.items())
    return [each for each in moved if each is not None], notes


def _moved(column: str, one: pd.Series, two: pd.Series) -> Moved | None:
    a, b = _flat(one), _flat(two)
    if a is None or b is None or a.shape != b.shape:
        count = int((one.astype(str) != two.astype(str)).sum())
        return Moved(column, count, np.nan, np.nan) if count else None
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not differs.any():
        return None
    a, b = a[differs], b[differs]
    gap = np.abs(a - b)
    with np.errstate(invalid="ignore"):  # an infinite gap is no share of anything
        share = gap / np.maximum(np.abs(a), np.abs(b))
    return Moved(column, len(gap), float(gap.max()), float(share.max()))


def _flat(column: pd.Series) -> np.ndarray | None:
    """A numeric column, or one of lists of numbers, as one float64 array."""
    try:
        if column.dtype == object and len(column) and isinstance(column.iloc[0], np.ndarray):
            return np.concatenate(list(column)).astype(np.float64)
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        return None

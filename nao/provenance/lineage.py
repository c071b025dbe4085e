"""From a figure, or one point plotted in it, down to runs, replicates, seeds, data and settings.

Only records and tables are read; whether they can be believed is for the audit to say.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nao.provenance.hashing import sha256_of
from nao.provenance.marks import rows_in
from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.pictures import embedded_id
from nao.provenance.schema import RECORDS, Record, RecordError, read_record, record_path
from nao.provenance.trees import PICTURES, bases_of

POINT_KEYS = ("experiment", "axis", "setting", "value", "estimator", "model", "objective", "layers",
              "metric", "kind")  # fmt: skip
TABLE_KEYS = {"experiment", "value", "estimator", "replicate", "source"}
COLUMNS = (*POINT_KEYS, "replicate", "score", "source")  # not the moments, which are long


class LineageError(ValueError):
    """A lineage that cannot be followed; the message says what to do."""


@dataclass(frozen=True)
class Lineage:
    """An artefact and everything it rests on: path in the tree → record (None where it has none).

    ``top`` comes first, and each artefact before those that it was made from.
    """

    base: Path
    top: str
    records: dict[str, Record | None]
    detached: str | None = None  # what to know of a picture that lies outside its tree

    @property
    def tables(self) -> list[str]:
        """The experiment tables in it, those of moments among them."""
        return [name for name in self.records if name.startswith(("experiments/", "moments/"))]

    def below(self, names: list[str]) -> dict[str, Record | None]:
        """The part of the lineage that ``names`` rest on, with themselves."""
        found: dict[str, Record | None] = {}
        waiting = list(reversed(names))
        while waiting:
            name = waiting.pop()
            if name in self.records and name not in found:
                found[name] = record = self.records[name]
                waiting += reversed(_inputs(record)) if record else []
        return found


def lineage(path: Path, searched: Path = Path("results")) -> Lineage:
    """The lineage of an artefact; for a picture without a record, by the id that it carries.

    ``searched`` is where records are looked for. Raises :class:`LineageError` where there is no
    record to begin with.
    """
    here = path.absolute()
    base = bases_of([here])[here]
    name = here.relative_to(base).as_posix()
    try:
        record = read_record(record_path(base, name))
        if record.artefact.path == name:
            return _follow(base, record)
        raise LineageError(f"{path}: its record is of {record.artefact.path}; run nao audit")
    except RecordError as error:
        raise LineageError(f"{path}: {error}; run nao audit") from None
    except FileNotFoundError:
        require_file(path)
    return _of_detached(path, searched)


def require_file(path: Path) -> None:
    """Raises :class:`LineageError` where there is no file of that name."""
    if not path.is_file():
        said = "is a folder" if path.is_dir() else "does not exist"
        raise LineageError(f"{path} {said}; name an artefact of a tree")


def _of_detached(path: Path, searched: Path) -> Lineage:
    inside = embedded_id(path) if path.suffix.lower() in PICTURES else None
    if inside is None:
        raise LineageError(f"{path} has no record and carries no id; name an artefact of a tree")
    found = find_record(inside, searched)
    if found is None:
        raise LineageError(f"{path} carries the id {inside}, of which {searched} has no record")
    base, record = found
    whole = sha256_of(path) == record.artefact.sha256
    text = f"carries the id of {record.artefact.path} and {'is' if whole else 'is NOT'} that file"
    return _follow(base, record, text)


def find_record(record_id: str, searched: Path) -> tuple[Path, Record] | None:
    """The tree and the record of an id."""
    for file in sorted(searched.rglob(f"{RECORDS}/**/*.json")):
        try:
            record = read_record(file)
        except (RecordError, OSError):
            continue
        if record.id == record_id:
            depth = len(Path(record.artefact.path).parts)
            return file.absolute().parents[depth], record
    return None


def _follow(base: Path, record: Record, detached: str | None = None) -> Lineage:
    records: dict[str, Record | None] = {record.artefact.path: record}
    waiting = _inputs(record)
    while waiting:
        name = waiting.pop(0)
        if name in records:
            continue
        try:
            records[name] = below = read_record(record_path(base, name))
        except (RecordError, OSError):
            records[name] = None
            continue
        waiting += _inputs(below)
    return Lineage(base, record.artefact.path, records, detached)


def _inputs(record: Record) -> list[str]:
    return [entry.path for entry in record.inputs if entry.place == "results"]


def rows_of(found: Lineage, **chosen: str) -> pd.DataFrame:
    """The rows of its experiment tables, with their ``table`` and ``row``; chosen by column.

    Of a figure only those that it draws, where it says which. A number is chosen by its value
    (``value="0.10"`` finds 0.1), all else by its text. Raises :class:`LineageError` for an unknown
    column, a choice that no row meets, or a value that several sweeps have.
    """
    frames = []
    for name in found.tables:
        try:
            frame = read_table(found.base / name)
        except UnreadableTable as error:
            raise LineageError(f"{error}; run nao audit") from None
        if set(frame.columns) >= TABLE_KEYS:
            frame = frame[[column for column in COLUMNS if column in frame]]
            # a table of moments has no score: its rows are there because the run finished
            done = frame["score"].notna() if "score" in frame else True
            frames.append(frame.assign(table=name, row=range(len(frame)), done=done))
    if not frames:
        raise LineageError(f"{found.top} rests on no experiment table, so it has no points")
    rows = pd.concat(frames, ignore_index=True)
    if drawn := rows_in(found.base / found.top):
        rows = rows[[key in drawn for key in zip(rows["table"], rows["row"], strict=True)]]
    for column, wanted in chosen.items():
        if column not in rows.columns:
            known = ", ".join(key for key in (*POINT_KEYS, "replicate", "source") if key in rows)
            raise LineageError(f"--point {column}={wanted}: no such column; choose among {known}")
        matches = _matches(rows[column], wanted)
        if not matches.any():
            values = ", ".join(map(str, sorted(rows[column].dropna().unique())))
            raise LineageError(f"--point {column}={wanted}: no such point; there are {values}")
        rows = rows[matches]
    sweeps = rows["experiment"].unique()
    if "value" in chosen and len(sweeps) > 1:
        value = chosen["value"]
        raise LineageError(
            f"--point value={value}: {', '.join(sweeps)} have such a point; "
            f"choose one, as in --point experiment={sweeps[0]} --point value={value}"
        )
    return rows.reset_index(drop=True)


def _matches(column: pd.Series, wanted: str) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        try:
            return (column.astype(float) == float(wanted)).fillna(False)
        except ValueError:
            return pd.Series(False, index=column.index)
    return column.astype("string").eq(wanted).fillna(False)


def points_of(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a plotted point: median score, replicates done and planned, sources, table rows."""
    keys = [key for key in POINT_KEYS if key in rows]
    grouped = rows.assign(score=rows.get("score")).groupby(keys, dropna=False, sort=False)
    return grouped.agg(
        score=("score", "median"),
        done=("done", "sum"),
        planned=("done", "size"),
        replicates=("replicate", lambda column: [int(r) for r in column.dropna()]),
        scores=("score", list),
        sources=("source", lambda column: sorted(set(column))),
        table=("table", "first"),
        rows=("row", list),
    ).reset_index()


def resting_on(path: Path) -> dict[str, Record]:
    """All in its tree that was made from an artefact, nearest first, as the records tell."""
    here = path.absolute()
    base = bases_of([here])[here]
    name = here.relative_to(base).as_posix()
    if not record_path(base, name).is_file():
        require_file(path)
        raise LineageError(f"{path} has no record; name an artefact of a results tree")
    readers: dict[str, list[Record]] = {}
    for file in sorted((base / RECORDS).rglob("*.json")):
        try:
            record = read_record(file)
        except (RecordError, OSError):
            continue
        for below in _inputs(record):
            readers.setdefault(below, []).append(record)
    found: dict[str, Record] = {}
    waiting = [name]
    while waiting:
        for record in readers.get(waiting.pop(0), []):
            if record.artefact.path not in found:
                found[record.artefact.path] = record
                waiting.append(record.artefact.path)
    return found


def behind(found: Lineage, rows: pd.DataFrame) -> dict[str, Record | None]:
    """What the chosen rows were made from: the scores of their sources, and all below."""
    names = []
    for table, part in rows.groupby("table"):
        record = found.records[str(table)]
        wanted = set(zip(part["source"], part["estimator"], strict=True))
        names += [
            name
            for name in (_inputs(record) if record else [])
            if any(_comes_from(name, source, estimator) for source, estimator in wanted)
        ]
    return found.below(names)


def _comes_from(name: str, source: str, estimator: str) -> bool:
    parts = Path(name).parts
    if parts[0] == "runs":
        return parts[1] == source
    return parts[0] == "baselines" and parts[1:3] == (source, estimator)


def summary(record: Record | None) -> dict[str, Any] | None:
    """What a reader asks of an artefact's making."""
    if record is None:
        return None
    return {
        "id": record.id,
        "rule": record.rule,
        "script": record.code.script,
        "params": record.params,
        "wildcards": record.wildcards,
        "seeds": record.seeds,
        "inputs": _inputs(record),
        "commit": str(record.git) if record.git else None,
        "device": record.environment.device,
        "processor": record.environment.processor,
        "start": record.execution.start,
        "wall_seconds": record.execution.wall_seconds,
        "cpu_seconds": record.execution.cpu_seconds,
    }

"""What records say of a making in the words of a workflow engine, so that they decide, not it.

An engine compares what it noted of a job with what it would do today. Its notes stay in the folder
where it ran; records go with the results. Where the two differ, the records are right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from nao.provenance.packages import ENGINE
from nao.provenance.schema import Record, RecordError, read_record, record_path


@dataclass(frozen=True)
class Making:
    """How a file was made: what the job was given, and each input with the hash that it had.

    Empty where no record can be believed: nothing that is done today is equal to that.
    """

    given: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    start: float | None = None
    end: float | None = None


def recollection(tree: Path) -> Callable[[str], Making]:
    """For the files of a tree, by their paths in it: how they were made by their records.

    An input that was made otherwise since is not told, since it is not what was read. Each record
    is read once; of the files only the sizes are looked at.
    """

    @cache
    def record_of(path: str) -> Record | None:
        try:
            record = read_record(record_path(tree, path))
            whole = record.artefact.size == (tree / path).stat().st_size
        except (RecordError, OSError):
            return None
        return record if whole and record.artefact.path == path else None

    def same(path: str, sha256: str) -> bool:
        above = record_of(path)
        return above is not None and above.artefact.sha256 == sha256

    def making(path: str) -> Making:
        record = record_of(path)
        if record is None:
            return Making()
        packages = {k: v for k, v in record.environment.packages.items() if k != ENGINE}
        run = {"code": record.code.fingerprint, "packages": packages}
        read = [entry for entry in record.inputs if entry.place == "results"]
        return Making(
            given=run | record.params,
            inputs={entry.path: entry.sha256 for entry in read if same(entry.path, entry.sha256)},
            start=datetime.fromisoformat(record.execution.start).timestamp(),
            end=datetime.fromisoformat(record.execution.end).timestamp(),
        )

    return making

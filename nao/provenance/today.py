"""What today's clone would make: its code, configuration, lock and files, against a record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from nao.provenance.environment import describe_lock
from nao.provenance.fingerprint import CodeFile, code_files, combine
from nao.provenance.hashing import sha256_of
from nao.provenance.schema import Code, Input, Record


@dataclass(frozen=True)
class Reason:
    """Why a verdict: a word for programs, a clause for readers."""

    kind: str
    text: str


Params = dict[str, JsonValue]


@dataclass
class Today:
    """A clone as it is now.

    ``expected`` gives the params that today's configuration gives to a job (those it determines),
    None for a job that it no longer wants; without it the configuration is not compared.
    """

    repository: Path
    expected: Callable[[Record], Params | None] | None = None
    _files: dict[str, dict[str, CodeFile] | str] = field(default_factory=dict)

    def reasons(self, record: Record) -> list[Reason]:
        """Why today's clone would make the artefact anew; empty if it would not."""
        return [*self._code(record.code), *self._config(record), *self._lock(record)]

    def input_sha256(self, entry: Input) -> str | None:
        """Hash of a file of the clone that was read; None where it is gone."""
        path = self.repository / entry.path
        return sha256_of(path) if path.is_file() else None

    def _code(self, code: Code) -> list[Reason]:
        files = self._closure(code.script)
        if isinstance(files, str):
            return [Reason("code", files)]
        if combine({name: file.sha256 for name, file in files.items()}) == code.fingerprint:
            return []
        return [Reason("code", text) for text in code_changes(functions(code), files)]

    def _closure(self, script: str) -> dict[str, CodeFile] | str:
        if script not in self._files:
            try:
                self._files[script] = code_files(self.repository / script, self.repository)
            except FileNotFoundError:
                self._files[script] = f"{script} is no longer there"
            except ValueError as error:
                self._files[script] = str(error)
        return self._files[script]

    def _config(self, record: Record) -> list[Reason]:
        wanted = self.expected(record) if self.expected is not None else None
        if wanted is None:
            return []
        return [
            Reason("config", text)
            for key, value in wanted.items()
            for text in differences(record.params.get(key), value, key)
        ]

    def _lock(self, record: Record) -> list[Reason]:
        lock = record.environment.lock
        if lock is None:
            return []
        now = self._locks.get(lock.path) or self._read_lock(lock.path)
        if now == lock.sha256:
            return []
        return [Reason("lock", f"{lock.path} {'differs' if now else 'is no longer there'}")]

    @cached_property
    def _locks(self) -> dict[str, str]:
        return {}

    def _read_lock(self, path: str) -> str | None:
        file = self.repository / path
        if not file.is_file():
            return None
        self._locks[path] = describe_lock(file, self.repository).sha256
        return self._locks[path]


def functions(code: Code) -> dict[str, CodeFile]:
    """The files of a record as the fingerprint describes them."""
    return {name: CodeFile(file.sha256, dict(file.functions)) for name, file in code.files.items()}


def code_changes(before: dict[str, CodeFile], after: dict[str, CodeFile]) -> list[str]:
    """Which functions of which files differ, one clause a file."""
    changes = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            changes.append(f"{name} is now imported")
        elif new is None:
            changes.append(f"{name} is no longer imported")
        elif old.sha256 != new.sha256:
            both = old.functions.keys() | new.functions.keys()
            changed = sorted(f for f in both if old.functions.get(f) != new.functions.get(f))
            changes.append(f"{name} changed" + (f" in {', '.join(changed)}" if changed else ""))
    return changes


def differences(old: Any, new: Any, key: str) -> list[str]:
    """Where two JSON values differ, as ``key.key: old → new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for k in keys for d in differences(old.get(k), new.get(k), f"{key}.{k}")]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{key}: {len(old)} → {len(new)} entries"]
        pairs = zip(old, new, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{key}[{i}]")]
    return [] if old == new else [f"{key}: {_brief(old)} → {_brief(new)}"]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

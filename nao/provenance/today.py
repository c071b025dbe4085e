"""What today's clone would make, against a record: code, workflow, configuration, packages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nao.jobs import Job, UnknownRule
from nao.plan import Plan
from nao.provenance.fingerprint import CodeFile, code_files, combine, foreign_modules
from nao.provenance.hashing import sha256_of
from nao.provenance.packages import ENGINE, LOCK, changes, departures, find_lock, installed
from nao.provenance.schema import Code, Input, Record


@dataclass(frozen=True)
class Reason:
    """Why a verdict: a word for programs, a clause for readers."""

    kind: str
    text: str


@dataclass
class Today:
    """A clone as it is now.

    ``plan`` gives what is planned at the scale of a tree, None for one that is not configured;
    without it workflow and configuration are not compared.
    """

    repository: Path
    plan: Callable[[str], Plan | None] | None = None
    _files: dict[str, dict[str, CodeFile] | str] = field(default_factory=dict)

    def reasons(self, record: Record) -> list[Reason]:
        """Why today's clone would make the artefact anew; empty if it would not."""
        code = self._code(record.code)
        packages = (
            [] if isinstance(self._closure(record.code.script), str) else self._packages(record)
        )
        return [*code, *self._workflow(record), *packages]

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

    def _workflow(self, record: Record) -> list[Reason]:
        """Rule, inputs and params; a point that is no longer planned stays as it was made."""
        plan = self.plan(record.tree) if self.plan is not None else None
        if plan is None:
            return []
        try:
            job = Job(plan, record.rule, record.wildcards)
        except UnknownRule as fault:
            return [Reason("rule", str(fault))]
        except KeyError:
            return []
        if record.artefact.path not in job.outputs.values():
            return [Reason("rule", f"{record.rule} no longer makes it")]
        try:
            return [*_reads(record, job), *_given(record, job)]
        except KeyError as fault:
            return [Reason("config", f"needs {fault.args[0]}, which is not planned")]

    def _packages(self, record: Record) -> list[Reason]:
        """Versions of the packages that its code imports, as recorded and as installed."""
        modules = foreign_modules(self.repository / record.code.script, self.repository)
        before = {k: v for k, v in record.environment.packages.items() if k != ENGINE}
        return [Reason("package", text) for text in changes(before, installed(modules))]

    def departures(self) -> list[str]:
        """How the packages installed here depart from the clone's lock."""
        lock = find_lock(self.repository)
        return departures(lock) if lock is not None else [f"{LOCK} is not there"]


def _reads(record: Record, job: Job) -> list[Reason]:
    before, now = {entry.path for entry in record.inputs}, set(job.reads)
    return [
        *(Reason("input", f"input {path} is now read") for path in sorted(now - before)),
        *(Reason("input", f"input {path} is no longer read") for path in sorted(before - now)),
    ]


def _given(record: Record, job: Job) -> list[Reason]:
    texts = differences(record.params, job.params, "params")
    return [Reason("config", text.removeprefix("params.")) for text in texts]


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
        found = [d for k in keys for d in differences(old.get(k), new.get(k), f"{key}.{k}")]
        # learners are drawn and told in the order of the configuration
        return found or ([] if list(old) == list(new) else [f"{key}: the order differs"])
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{key}: {len(old)} → {len(new)} entries"]
        pairs = zip(old, new, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{key}[{i}]")]
    return [] if old == new else [f"{key}: {_brief(old)} → {_brief(new)}"]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

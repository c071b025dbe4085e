"""Recording: what every job of the workflow does around its work.

    with recording(
        rule="train", script=__file__, tree="results/laptop",
        inputs=[...], outputs=[...], params={...}, wildcards={...}, seeds={"root": 7},
    ) as job:
        ...                                    # the work; outputs are written here
        job.device = "cuda:0"                  # where it is not the processor
        job.segments = [{"first_step": 0, "last_step": 4000, ...}, ...]
        figure.savefig(path, metadata=job.figure_metadata(path))

After the block has succeeded, each output has its record in the folder ``records`` of the tree
(layout: ``nao.provenance.schema``). If it fails, nothing is recorded.

- Paths may be strings or ``Path``, relative to the working folder, nested in lists or dicts.
- ``tree`` is the folder that holds all results of one scale; artefacts are known by their path in
  it, wherever it is moved later. By default: the part of an output's path up to ``results/<name>``.
- ``params`` are built-ins or pydantic models, as Snakemake has them. The parameters ``code`` and
  ``packages``, with which Snakemake watches what runs, are left out: the record has its own, taken
  when the block is entered, since that is what runs.
- ``lock`` is the lock file; by default ``envs/requirements.txt``.
"""

import re
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue

from nao.provenance import pictures
from nao.provenance.environment import GitQuestion, describe_environment
from nao.provenance.fingerprint import code_files, combine, foreign_modules, repository_of
from nao.provenance.hashing import remembered_sha256, sha256_of, signature
from nao.provenance.packages import find_lock
from nao.provenance.schema import (
    Code,
    Execution,
    File,
    Input,
    Place,
    Record,
    RecordError,
    SourceFile,
    identity,
    read_record,
    record_path,
    write_record,
)

_HOME = re.compile(rf"(?<![\w/.~-]){re.escape(str(Path.home()))}(?=/|$)")


KNOWN = ("code", "packages")


@contextmanager
def recording(
    *,
    rule: str,
    script: str | Path,
    outputs: Any,
    inputs: Any = (),
    params: Mapping[str, Any] | None = None,
    wildcards: Mapping[str, str] | None = None,
    seeds: Mapping[str, Any] | None = None,
    tree: str | Path | None = None,
    repository: str | Path | None = None,
    lock: str | Path | None = None,
) -> Iterator["Job"]:
    """Record the job in the block; see the module's text. Yields the :class:`Job`.

    Raises ``ValueError`` for an output outside ``tree`` or a parameter that JSON cannot hold,
    ``FileNotFoundError`` for an output that was not written, and ``RuntimeError`` for an input
    that changed while it was read.
    """
    script = Path(script).resolve()
    home = Path(repository).resolve() if repository is not None else repository_of(script)
    job = Job(
        rule=rule,
        script=script,
        repository=home,
        outputs=_paths(outputs),
        inputs=_paths(inputs),
        params={k: plain(v, k, home) for k, v in (params or {}).items() if k not in KNOWN},
        wildcards={k: str(v) for k, v in (wildcards or {}).items()},
        seeds={k: plain(v, k, home) for k, v in (seeds or {}).items()},
        tree=tree,
        lock=Path(lock) if lock is not None else find_lock(home),
    )
    yield job
    job.finish()


class Job:
    """A job under way: knows what is being made, and the ids of it; see :func:`recording`."""

    def __init__(
        self,
        *,
        rule: str,
        script: Path,
        repository: Path,
        outputs: list[Path],
        inputs: list[Path],
        params: dict[str, JsonValue],
        wildcards: dict[str, str],
        seeds: dict[str, JsonValue],
        tree: str | Path | None,
        lock: Path | None,
    ):
        self.device = "cpu"
        self.kernel: str | None = None
        self.segments: list[dict[str, JsonValue]] = []
        self._clock = _Clock()
        self._git = GitQuestion(repository)
        self._repository, self._lock, self._outputs = repository, lock, outputs
        if not outputs:
            raise ValueError(f"rule {rule}: outputs are empty; a job is recorded by what it makes")
        self._tree = Path(tree).absolute() if tree is not None else tree_of(outputs[0])
        for output in outputs:
            self._record_path(output).unlink(missing_ok=True)  # of an earlier making
        self._states = {path: signature(path) for path in inputs}
        self._inputs = [self._input(path) for path in inputs]
        files = code_files(script, repository)
        self._modules = foreign_modules(script, repository)
        self._code = Code(
            script=self._place(script)[1],
            fingerprint=combine({name: file.sha256 for name, file in files.items()}),
            files={
                name: SourceFile(sha256=file.sha256, functions=file.functions)
                for name, file in files.items()
            },
        )
        self._what = {"rule": rule, "params": params, "wildcards": wildcards, "seeds": seeds}

    def id(self, output: str | Path) -> str:
        """The id of ``output``'s record: what is made, known before it is made."""
        path = self._inside(Path(output))
        inputs = [(entry.place, entry.path, entry.sha256) for entry in self._inputs]
        return identity(path=path, inputs=inputs, code=self._code.fingerprint, **self._what)

    def figure_metadata(self, output: str | Path, marks: Any = None) -> dict[str, str | None]:
        """What to give ``Figure.savefig(output, metadata=…)``: id and marks go into the picture."""
        return pictures.metadata(self.id(output), output, marks)

    def finish(self) -> None:
        """Hash what was written and write the records."""
        execution = self._clock.stop(self.device, self.segments)
        for path, state in self._states.items():
            if signature(path) != state and sha256_of(path) != remembered_sha256(path, state):
                raise RuntimeError(f"input {path} changed while it was read; run the job again")
        outputs = {path: self._output(path) for path in self._outputs}
        environment = describe_environment(
            self._repository, self._lock, self.device, self._modules, self.kernel
        )
        git = self._git.answer(self._code.files)
        for path, artefact in outputs.items():
            record = Record.seal(
                artefact=artefact,
                tree=self._tree.name,
                id=self.id(path),
                **self._what,
                inputs=self._inputs,
                outputs=list(outputs.values()),
                code=self._code,
                git=git,
                environment=environment,
                execution=execution,
            )
            write_record(record, self._record_path(path))

    def _output(self, path: Path) -> File:
        if not path.is_file():
            raise FileNotFoundError(f"output {path} was declared and not written; write it")
        name = self._inside(path)
        return File(place="results", path=name, sha256=sha256_of(path), size=path.stat().st_size)

    def _input(self, path: Path) -> Input:
        place, name = self._place(path)
        try:
            record = read_record(record_path(self._tree, name)) if place == "results" else None
        except (FileNotFoundError, RecordError):
            record = None
        return Input(
            place=place,
            path=name,
            sha256=remembered_sha256(path, self._states[path]),
            size=path.stat().st_size,
            record_id=record.id if record else None,
            record_digest=record.digest if record else None,
        )

    def _record_path(self, output: Path) -> Path:
        return record_path(self._tree, self._inside(output))

    def _inside(self, output: Path) -> str:
        """The path of an output in its tree."""
        place, name = self._place(output)
        if place != "results":
            raise ValueError(f"output {output} lies outside {self._tree}; write it there")
        return name

    def _place(self, path: Path) -> tuple[Place, str]:
        path = path.absolute()
        if path.is_relative_to(self._tree):
            return "results", path.relative_to(self._tree).as_posix()
        path = path.resolve()
        if path.is_relative_to(self._repository):
            return "repository", path.relative_to(self._repository).as_posix()
        return "elsewhere", path.name


class _Clock:
    """Wall and processor time from its making on; memory is the process's peak."""

    def __init__(self):
        self._start = datetime.now(UTC)
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def stop(self, device: str, segments: list[dict[str, JsonValue]]) -> Execution:
        return Execution(
            start=self._start.isoformat(timespec="milliseconds"),
            end=datetime.now(UTC).isoformat(timespec="milliseconds"),
            wall_seconds=round(time.perf_counter() - self._wall, 3),
            cpu_seconds=round(_cpu_seconds() - self._cpu, 3),
            peak_memory=_peak_memory(),
            peak_device_memory=_peak_device_memory(device),
            segments=segments,
        )


def _cpu_seconds() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_memory() -> int:
    """Largest resident memory of this process, in bytes."""
    try:  # getrusage would count what the parent held when it started us
        text = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(text.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _peak_device_memory(device: str) -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda") or not torch.cuda.is_available():
        return None
    return torch.cuda.max_memory_allocated(device)


def tree_of(path: Path) -> Path:
    """The part of ``path`` up to and with ``results/<scale>``."""
    parts = path.absolute().parts
    if "results" not in parts[:-2]:
        raise ValueError(f"{path} does not lie in a results/<scale> folder; name the tree")
    end = len(parts) - 1 - parts[::-1].index("results") + 2
    return Path(*parts[:end])


def plain(value: Any, key: str, repository: Path) -> JsonValue:
    """``value`` as JSON holds it; paths lose what is private in them."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"), key, repository)
    if isinstance(value, Mapping):
        return {str(k): plain(v, f"{key}.{k}", repository) for k, v in value.items()}
    if isinstance(value, float) and value - value != 0.0:  # JSON has no infinity and no NaN
        return str(value)
    if isinstance(value, str | Path):
        return _HOME.sub("~", str(value).replace(f"{repository}/", ""))
    if value is None or isinstance(value, bool | int | float):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a NumPy scalar
        return plain(value.item(), key, repository)
    if isinstance(value, Iterable):
        return [plain(item, key, repository) for item in value]
    raise ValueError(
        f"param {key} is of type {type(value).__name__}, which JSON cannot hold; "
        "give built-ins or a pydantic model"
    )


def _paths(value: Any) -> list[Path]:
    """All paths in nested lists or dicts, each once."""
    if isinstance(value, str | Path):
        return [Path(value)]
    items = value.values() if isinstance(value, Mapping) else value
    return list(dict.fromkeys(path for item in items for path in _paths(item)))

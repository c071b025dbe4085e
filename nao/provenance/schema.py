"""The provenance record: one JSON file for each artefact of a results tree, in its ``records``.

Schema ``nao-record/2``, a :class:`Record`:

==============  ====================================================================================
``schema``      name and version of this layout
``artefact``    the file it speaks of: place, path, SHA-256, size
``tree``        name of the results tree when it was made (``laptop``)
``id``          *what was made*: SHA-256 over the artefact's path, rule, params, wildcards, seeds,
                inputs' paths and hashes, and code fingerprint. No time, machine or commit enters,
                so it is known before the artefact exists and equal in every repetition; figures
                carry it inside
``rule`` …      the rule, its params, wildcards and seeds (by role)
``inputs``      each input with its SHA-256 and, where it has a record, that record's id and digest:
                the links of the chain down to the roots
``outputs``     everything the same job wrote, the artefact among it
``code``        script, fingerprint of its import closure, hash of each file and function in it
``git``         commit, whether the tree was dirty, hash of the difference, or why git did
                not tell; null without git
``environment`` lock file, packages, Python, system, processor, device, driver; the host only as a
                hash salted with a secret that stays on the machine
``execution``   start, end, wall and processor seconds, peak memory, segments of a resumed training
``digest``      *how this very making went*: SHA-256 of the bytes before the line of the digest
==============  ====================================================================================

Paths are relative, in ``/`` form, to a place: ``results`` is the tree that holds the artefact
(``results/<scale>``, wherever it was moved), ``repository`` the clone, ``elsewhere`` any other
folder, of which only the file's name is kept.

A record is one file with one text: :func:`read_record` refuses it when a byte of it was changed.
Nothing in it is ever run.
"""

import hashlib
import json
import re
import stat
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
)

from nao.files import atomic_path

SCHEMA = "nao-record/2"
RECORDS = "records"  # the folder of a tree that holds them, so that folders of tables hold tables
LARGEST = 8 * 1024**2  # bytes; a thousand inputs take a tenth of it


class RecordError(ValueError):
    """A record that cannot be believed; the message says why."""


class OtherSchema(RecordError):
    """A record of a schema that this version does not read."""

    def __init__(self, schema: str):
        number = re.fullmatch(r"nao-record/(\d{1,9})", schema)
        old = number is not None and int(number[1]) < int(SCHEMA.partition("/")[2])
        remedy = "make it anew" if old else "update nao to read it"
        super().__init__(f"record is of schema {schema!r}, this is {SCHEMA!r}; {remedy}")


def _stays_inside(path: str) -> str:
    if "\\" in path or "\0" in path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError(f"path {path!r} leaves its tree or is not in its shortest form")
    return path


Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_stays_inside)]
Name = Annotated[str, StringConstraints(pattern=r"^\w[\w.+-]*$")]
Place = Literal["results", "repository", "elsewhere"]


class Part(BaseModel):
    """A frozen part of a record; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class File(Part):
    """A file as it was: its place, bytes (by hash) and size."""

    place: Place
    path: RelativePath
    sha256: Hash
    size: NonNegativeInt


class Input(File):
    """A file that was read, and the record it had then."""

    record_id: Hash | None = None
    record_digest: Hash | None = None


class SourceFile(Part):
    """A file of code: hash of its syntax tree, and of each function (see ``fingerprint``)."""

    sha256: Hash
    functions: dict[str, str]


class Code(Part):
    """The script and its import closure."""

    script: RelativePath
    fingerprint: Hash
    files: dict[RelativePath, SourceFile]


class Git(Part):
    """The commit, and how the files differed from it; code that it does not hold at all."""

    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    dirty: bool
    diff_sha256: Hash | None
    untracked: list[RelativePath]

    def __str__(self) -> str:
        return self.commit + (" (dirty)" if self.dirty else "")


class GitRefusal(Part):
    """The clone has git's files, and git would not tell its state: why, in git's words."""

    refused: str

    def __str__(self) -> str:
        return f"unknown ({self.refused})"


class Lock(Part):
    """The lock file: hash of what it pins; comments, order and hashes do not count."""

    path: RelativePath
    sha256: Hash


class Environment(Part):
    """What it ran on and with."""

    lock: Lock | None
    packages: dict[str, str]
    python: str
    system: str
    host: str = Field(description="salted hash; equal for jobs of one machine and clone")
    processor: str
    cores: int
    device: str = Field(description="cpu, or the accelerator's name")
    kernel: str | None = Field(description="of transformers: torch or native")
    driver: str | None
    cuda: str | None


class Execution(Part):
    """The making itself: ISO 8601 in UTC, seconds, bytes."""

    start: str
    end: str
    wall_seconds: NonNegativeFloat
    cpu_seconds: NonNegativeFloat
    peak_memory: NonNegativeInt
    peak_device_memory: NonNegativeInt | None
    segments: list[dict[str, JsonValue]]


class Record(Part):
    """See the module's table."""

    schema_: str = Field(alias="schema")
    artefact: File
    tree: Name
    id: Hash
    rule: Name
    params: dict[str, JsonValue]
    wildcards: dict[str, str]
    seeds: dict[str, JsonValue]
    inputs: list[Input]
    outputs: list[File]
    code: Code
    git: Git | GitRefusal | None
    environment: Environment
    execution: Execution
    digest: Hash

    @classmethod
    def seal(cls, **content: Any) -> Self:
        """A record of ``content`` with its digest."""
        draft = cls(schema=SCHEMA, digest="0" * 64, **content)
        body = render(draft)[: -len(_tail(draft.digest))]
        return draft.model_copy(update={"digest": hashlib.sha256(body).hexdigest()})

    def identity(self) -> str:
        """The id that follows from the content."""
        return identity(
            path=self.artefact.path,
            rule=self.rule,
            params=self.params,
            wildcards=self.wildcards,
            seeds=self.seeds,
            inputs=[(entry.place, entry.path, entry.sha256) for entry in self.inputs],
            code=self.code.fingerprint,
        )


def identity(
    *,
    path: str,
    rule: str,
    params: dict[str, Any],
    wildcards: dict[str, str],
    seeds: dict[str, Any],
    inputs: list[tuple[str, str, str]],
    code: str,
) -> str:
    """The id of an artefact, from what is known before it is made."""
    return digest([path, rule, params, wildcards, seeds, sorted(inputs), code])


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no blanks, UTF-8."""
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    # names of files may hold bytes that are no UTF-8
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def record_path(tree: str | Path, artefact: str | Path) -> Path:
    """Where the record of an artefact lies, which is named by its path in the tree."""
    return Path(tree, RECORDS, f"{artefact}.json")


def artefact_of(record: Path) -> Path | None:
    """The artefact whose record lies here; None where the path is that of no record."""
    parts = record.parts
    if RECORDS not in parts[:-1] or record.suffix != ".json":
        return None
    depth = len(parts) - 1 - parts[::-1].index(RECORDS)
    return Path(*parts[:depth], *parts[depth + 1 : -1], record.stem)


def render(record: Record) -> bytes:
    """The text of a record; its last member, on a line of its own, is the digest."""
    content = record.model_dump(mode="json", by_alias=True)
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_record(record: Record, path: Path) -> None:
    """Write the record atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(render(record))


def read_record(path: Path) -> Record:
    """Read and check a record against itself.

    Raises ``FileNotFoundError`` if there is none, :class:`OtherSchema` for another schema and
    :class:`RecordError` for one that is unreadable, malformed or edited.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
        raise RecordError("record is no plain file")
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise RecordError(f"record is larger than {LARGEST // 1024**2} MiB")
    return parse(raw)


def parse(raw: bytes) -> Record:
    """The record that ``raw`` holds; raises as :func:`read_record`."""
    try:
        record = Record.model_validate_json(raw)
    except ValidationError as error:
        version = _schema_of(raw)
        if version is not None and version != SCHEMA:
            raise OtherSchema(version) from None
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordError(f"record does not follow its schema: {where} {first['msg']}") from None
    if record.schema_ != SCHEMA:
        raise OtherSchema(record.schema_)
    body, tail = raw[: -len(_tail(record.digest))], raw[-len(_tail(record.digest)) :]
    if tail != _tail(record.digest) or record.digest != hashlib.sha256(body).hexdigest():
        raise RecordError("record was edited: its digest does not follow from its text")
    if record.id != record.identity():
        raise RecordError("record was edited: its id does not follow from its content")
    return record


def _tail(digest: str) -> bytes:
    return f' "digest": "{digest}"\n}}\n'.encode()


def _schema_of(raw: bytes) -> str | None:
    class Head(BaseModel):
        schema_: str = Field(alias="schema")

    try:
        return Head.model_validate_json(raw).schema_
    except ValidationError:
        return None

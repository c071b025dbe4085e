"""The audit: hash everything again, and say of each artefact whether it is what its record says.

Verdicts, the worst first; an artefact has the worst that a reason of its own gives it:

tampered    its bytes differ from its record, or the record from itself; the record is of another
            artefact or not the one that later artefacts were made from; it is a link
missing     it was made or read, and is gone
unreadable  this user may not read it or its record, or what it rests on
unrecorded  it has no record, or one of a schema that this version cannot read; or it rests on such
stale       as recorded, but would be made anew: by today's code, workflow, configuration, packages
            or input, or because what it rests on is stale, tampered or missing
earlier     as recorded, in a tree that does not ship what it rests on, and not as today's clone
            would make it; the reasons name the commit whose code made it
published   as recorded and as today's clone would make it, in such a tree
            (``nao.provenance.publication``): the records alone lead on
verified    none of these, down to the roots

Only the files count: neither ``.snakemake`` nor git history nor times of files are looked at, so a
copy of a tree, elsewhere, has the verdicts of the tree. Without a clone at hand (``today``) nothing
is compared with today's code, workflow, configuration and packages. What no file can show, that
artefact, record and all later records were forged together, shows in the :attr:`Audit.seal` if it
was noted before.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from nao.provenance.hashing import sha256_of
from nao.provenance.schema import File, Git, Input, OtherSchema, Record, digest
from nao.provenance.today import Reason, Today
from nao.provenance.trees import (
    Facts,
    Publication,
    artefacts_in,
    bases_of,
    facts_of,
    is_artefact,
    publication_of,
)


class Verdict(StrEnum):
    """See the module's table; in order of severity."""

    TAMPERED = "tampered"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNRECORDED = "unrecorded"
    STALE = "stale"
    EARLIER = "earlier"
    PUBLISHED = "published"
    VERIFIED = "verified"


_SEVERITY = list(Verdict)
SOUND = frozenset({Verdict.EARLIER, Verdict.PUBLISHED, Verdict.VERIFIED})


def printable(name: str) -> str:
    """``name`` as any terminal and JSON can hold it: what cannot be shown is spelt out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


@dataclass
class Finding:
    """The verdict on one artefact, why, and what it was made from."""

    path: Path
    base: Path
    facts: Facts
    verdict: Verdict = Verdict.VERIFIED
    reasons: list[Reason] = field(default_factory=list)
    inputs: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Path in its tree; bytes and characters that cannot be shown are spelt out."""
        return printable(self.path.relative_to(self.base).as_posix())

    @property
    def folder(self) -> str:
        """The folder of the tree that it lies in, or its own name at the top."""
        return self.name.partition("/")[0]

    @property
    def record(self) -> Record | None:
        return self.facts.record

    def holds(self, entry: File) -> bool:
        """Whether it is the file that was recorded here or elsewhere; read now if it was not."""
        if self.facts.size == entry.size and self.facts.sha256 is None:
            self.facts = replace(self.facts, sha256=sha256_of(self.path))
        return (self.facts.size, self.facts.sha256) == (entry.size, entry.sha256)

    def charge(self, verdict: Verdict, kind: str, text: str) -> None:
        """Add a reason, once; the verdict becomes the worst of all."""
        if (reason := Reason(kind, text)) not in self.reasons:
            self.reasons.append(reason)
        self.verdict = min(self.verdict, verdict, key=_SEVERITY.index)


@dataclass
class Audit:
    """All findings: of the artefacts asked for and of all that they rest on."""

    findings: dict[Path, Finding]
    asked: list[Path]
    with_today: bool
    departures: list[str] = field(default_factory=list)  # of what is installed from the lock

    @property
    def verified(self) -> bool:
        return all(finding.verdict is Verdict.VERIFIED for finding in self.findings.values())

    @property
    def sound(self) -> bool:
        """Whether all is verified, or published, today or earlier, and as recorded."""
        return all(finding.verdict in SOUND for finding in self.findings.values())

    @property
    def counts(self) -> dict[str, int]:
        return {
            verdict.value: sum(f.verdict is verdict for f in self.findings.values())
            for verdict in reversed(Verdict)
        }

    @property
    def seal(self) -> str:
        """One hash over all artefacts and records; note it, and no later forgery can meet it."""
        return digest(
            sorted(
                [f.name, f.facts.sha256 or str(f.facts.size), f.record.digest if f.record else ""]
                for f in self.findings.values()
            )
        )


def audit(
    paths: Iterable[str | Path],
    today: Today | None = None,
    report: Callable[[Finding], None] = lambda finding: None,
) -> Audit:
    """Judge the artefacts that ``paths`` name (files, or folders with all in them) to the roots.

    ``report`` is told of each that was looked at.
    """
    asked = _artefacts(paths)
    findings = _collect(bases_of(asked), report)
    published = {base: publication_of(base) for base in {f.base for f in findings.values()}}
    for finding in findings.values():
        _judge_alone(finding, published[finding.base])
    for finding in findings.values():
        if finding.record is not None:
            _judge_inputs(finding, finding.record, findings)
            if today is not None:
                _judge_today(finding, finding.record, today, published[finding.base])
    _judge_rests(findings)
    return Audit(
        dict(sorted(findings.items())),
        [path for path in asked if path in findings],
        with_today=today is not None,
        departures=today.departures() if today is not None else [],
    )


def _artefacts(paths: Iterable[str | Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        # links are kept: the tree itself may be reached over one, inside it they are findings
        path = Path(os.path.abspath(path))
        if path.is_dir():
            found |= dict.fromkeys(artefacts_in(path))
        else:
            found[path] = None
    return list(found)


def _collect(bases: dict[Path, Path], report: Callable[[Finding], None]) -> dict[Path, Finding]:
    """Facts on the artefacts and, wave after wave, on what they were made from."""
    findings: dict[Path, Finding] = {}
    wave = {path: base for path, base in bases.items() if is_artefact(path, base)}
    with ThreadPoolExecutor() as pool:
        while wave:
            facts = pool.map(facts_of, wave.keys(), wave.values())
            following: dict[Path, Path] = {}
            for (path, base), found in zip(wave.items(), facts, strict=True):
                finding = findings[path] = Finding(path, base, found)
                report(finding)
                for entry in found.record.inputs if found.record else ():
                    if entry.place == "results":
                        finding.inputs.append(base / entry.path)
                        following[base / entry.path] = base
            wave = {path: base for path, base in following.items() if path not in findings}
    return findings


def _judge_alone(finding: Finding, published: Publication | None) -> None:
    """Artefact and record against each other."""
    facts, charge = finding.facts, finding.charge
    if facts.oddity:
        charge(Verdict.TAMPERED, "place", f"is {facts.oddity}")
    elif facts.unreadable:
        charge(Verdict.UNREADABLE, "place", f"cannot be read: {facts.unreadable}")
    elif facts.size is None and published is not None and finding.name not in published.files:
        charge(Verdict.PUBLISHED, "absent", "is not shipped")
    elif facts.size is None:
        charge(Verdict.MISSING, "absent", "is not there")
    if isinstance(facts.record_error, OtherSchema):
        charge(Verdict.UNRECORDED, "schema", str(facts.record_error))
    elif facts.record_error:
        charge(Verdict.TAMPERED, "record", str(facts.record_error))
    record = facts.record
    if record is None:
        if facts.size is not None and not facts.record_error:
            charge(Verdict.UNRECORDED, "record", "has no record")
        return
    if record.artefact.place != "results" or record.artefact.path != finding.name:
        charge(Verdict.TAMPERED, "record", f"record is of {record.artefact.path}")
    if facts.size not in (None, record.artefact.size):
        sizes = f"{record.artefact.size} → {facts.size}"
        charge(Verdict.TAMPERED, "bytes", f"bytes differ from the record ({sizes} bytes)")
    elif facts.sha256 not in (None, record.artefact.sha256):
        charge(Verdict.TAMPERED, "bytes", "bytes differ from the record (same size)")
    if facts.embedded not in (None, record.id):
        charge(Verdict.TAMPERED, "picture", "carries the id of another record")


def _judge_today(
    finding: Finding, record: Record, today: Today, published: Publication | None
) -> None:
    """What the record says of code, workflow, configuration and packages against today's."""
    reasons = list(today.reasons(record))
    for entry in record.inputs:
        if entry.place == "repository" and (now := today.input_sha256(entry)) != entry.sha256:
            text = f"input {entry.path} {'differs' if now else 'is no longer there'}"
            reasons.append(Reason("input", text))
    if reasons and published is not None:
        finding.charge(Verdict.EARLIER, "upstream", _made_of_what_is_not_shipped(finding))
    for reason in reasons:
        kind = Verdict.STALE if published is None else Verdict.EARLIER
        finding.charge(kind, reason.kind, reason.text)


def _judge_inputs(finding: Finding, record: Record, findings: dict[Path, Finding]) -> None:
    """What was read of the tree against what is there now."""
    for entry in record.inputs:
        if entry.place == "results":
            _judge_link(finding, record, entry, findings[finding.base / entry.path])
        elif entry.place == "elsewhere":
            text = f"input {entry.path} lay outside results and clone: it cannot be followed"
            finding.charge(Verdict.UNRECORDED, "input", text)


def _judge_link(finding: Finding, record: Record, entry: Input, upstream: Finding) -> None:
    facts = upstream.facts
    if facts.size is not None and not facts.unreadable and not upstream.holds(entry):
        finding.charge(Verdict.STALE, "input", f"input {entry.path} differs from the one it read")
        return
    if entry.record_digest is None or facts.record_error:
        return
    if facts.record is None:
        upstream.charge(Verdict.UNRECORDED, "record", f"had a record when {finding.name} read it")
    elif (
        facts.record.digest != entry.record_digest
        # made again since, with the same bytes, is well; made before and yet another is not
        and facts.record.execution.end <= record.execution.start
    ):
        text = f"record is not the one that {finding.name} was made from"
        upstream.charge(Verdict.TAMPERED, "record", text)


def _judge_rests(findings: dict[Path, Finding]) -> None:
    """Carry verdicts from the roots up, each artefact after all that it rests on."""
    above: dict[Path, list[Path]] = defaultdict(list)
    for finding in findings.values():
        for path in finding.inputs:
            above[path].append(finding.path)
    open_inputs = {path: len(finding.inputs) for path, finding in findings.items()}
    ready = [path for path, count in open_inputs.items() if count == 0]
    while open_inputs:
        if not ready:
            ready = _circles(set(open_inputs), findings)
            for path in ready:
                open_inputs[path] = 0
                findings[path].charge(Verdict.TAMPERED, "record", "records lead round in a circle")
        path = ready.pop()
        del open_inputs[path]
        for upper in above[path]:
            if upper in open_inputs:
                _carry(findings[path], findings[upper])
                open_inputs[upper] -= 1
                if open_inputs[upper] == 0:
                    ready.append(upper)


def _circles(rest: set[Path], findings: dict[Path, Finding]) -> list[Path]:
    """What remains of ``rest`` when everything that nothing in it rests on is taken away."""
    uses = Counter(below for path in rest for below in findings[path].inputs)
    tops = [path for path in rest if not uses[path]]
    while tops:
        top = tops.pop()
        rest.discard(top)
        for below in findings[top].inputs:
            uses[below] -= 1
            if not uses[below] and below in rest:
                tops.append(below)
    return sorted(rest)


def _carry(upstream: Finding, finding: Finding) -> None:
    if upstream.verdict is Verdict.VERIFIED:
        return
    if upstream.verdict in (Verdict.EARLIER, Verdict.PUBLISHED):
        if _SEVERITY.index(finding.verdict) > _SEVERITY.index(upstream.verdict):
            finding.charge(upstream.verdict, "upstream", _made_of_what_is_not_shipped(finding))
        return
    unknown = upstream.verdict in (Verdict.UNREADABLE, Verdict.UNRECORDED)
    kind = upstream.verdict if unknown else Verdict.STALE
    finding.charge(kind, "upstream", f"rests on {upstream.name}, which is {upstream.verdict}")


def _made_of_what_is_not_shipped(finding: Finding) -> str:
    record = finding.record
    git = record.git if record and isinstance(record.git, Git) else None
    commit = git.commit[:12] if git else "unknown"
    changed = " with changes of its own" if git and git.dirty else ""
    return f"as recorded, made at commit {commit}{changed} of what is not shipped"

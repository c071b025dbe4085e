"""What would be made anew, why, and at what cost, told from the records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nao.jobs import Job, planned
from nao.plan import Plan
from nao.provenance.audit import SOUND, Audit, Finding, Verdict
from nao.provenance.schema import Record
from nao.provenance.today import Reason


@dataclass(frozen=True)
class Rebuild:
    """One job to be run again: what it makes, why, and what it cost the last time."""

    rule: str
    outputs: list[str]
    reasons: list[Reason]
    record: Record | None  # of the last making; of one like it, for a job that was never run

    @property
    def core_seconds(self) -> float | None:
        """Processor time of the last making; None where nothing was recorded."""
        return self.record.execution.cpu_seconds if self.record else None

    @property
    def gpu_seconds(self) -> float | None:
        """Wall time of the last making, if that was on an accelerator."""
        if self.record is None:
            return None
        return self.record.execution.wall_seconds if self.record.environment.cuda else 0.0


def rebuilds(result: Audit) -> list[Rebuild]:
    """The jobs behind all that is not verified, each after those that it reads from.

    An artefact that rests on something to be rebuilt is rebuilt, too, and says so; outputs of one
    job are one entry.
    """
    jobs: dict[tuple[str, ...], list[Finding]] = {}
    for finding in _upwards(result):
        made = finding.record is not None or finding.verdict is not Verdict.MISSING
        if made and finding.verdict not in SOUND:
            jobs.setdefault(_job_of(finding), []).append(finding)
    return [_rebuild(findings) for findings in jobs.values()]


def _upwards(result: Audit) -> list[Finding]:
    """Findings, inputs before what was made from them; circles are broken anywhere."""
    order: dict[Path, None] = {}
    for top in result.findings:
        waiting = [(top, False)]
        entered: set[Path] = set()
        while waiting:
            path, done = waiting.pop()
            if done:
                order.setdefault(path)
            elif path not in order and path not in entered:
                entered.add(path)
                waiting.append((path, True))
                waiting += [(below, False) for below in result.findings[path].inputs]
    return [result.findings[path] for path in order]


def _job_of(finding: Finding) -> tuple[str, ...]:
    if finding.record is None:
        return (str(finding.path),)
    return (str(finding.base), *sorted(output.path for output in finding.record.outputs))


def _rebuild(findings: list[Finding]) -> Rebuild:
    record = next((finding.record for finding in findings if finding.record), None)
    reasons: dict[tuple[str, str], Reason] = {}
    for finding in findings:
        for reason in finding.reasons:
            own = reason.kind in ("code", "rule", "config", "package", "input", "upstream")
            text = reason.text if own else f"{finding.name} {reason.text}"
            reasons.setdefault((reason.kind, text), Reason(reason.kind, text))
    return Rebuild(
        rule=record.rule if record else "unknown",
        outputs=[finding.name for finding in findings],
        reasons=list(reasons.values()),
        record=record,
    )


def makers_in(plan: Plan | None) -> dict[str, Job]:
    """The job that makes each file of a plan's tree; without a plan none."""
    return {path: job for job in planned(plan) for path in job.outputs.values()} if plan else {}


def astray(makers: Mapping[str, Job], base: Path, result: Audit) -> list[Path]:
    """What was asked for of the tree that is neither there, nor recorded, nor planned."""
    return [
        path
        for path in result.asked
        if base in path.parents
        and path.relative_to(base).as_posix() not in makers
        and (finding := result.findings.get(path)) is not None
        and finding.verdict is Verdict.MISSING
        and finding.record is None
    ]


def newly_planned(
    makers: Mapping[str, Job], base: Path, result: Audit, told: list[Rebuild]
) -> list[Rebuild]:
    """Jobs upstream of what was asked for whose files are not there, beside those ``told`` already.

    Each comes after those that it reads from; its cost is that of the costliest recorded job of the
    same rule.
    """
    absent: dict[frozenset[str], list[str]] = {}  # by all that the job makes
    seen: set[str] = set()

    def want(path: str) -> None:
        if path in seen or path not in makers:
            return
        seen.add(path)
        for below in makers[path].reads:
            want(below)
        if not (base / path).exists():
            absent.setdefault(frozenset(makers[path].outputs.values()), []).append(path)

    for path in result.asked:
        if base in path.parents:
            want(path.relative_to(base).as_posix())
    known = {name for rebuild in told for name in rebuild.outputs}
    reason = Reason("config", "is not made yet")
    return [
        Rebuild(rule := makers[paths[0]].rule, paths, [reason], _costliest(result, rule))
        for paths in absent.values()
        if not known.intersection(paths)
    ]


def _costliest(result: Audit, rule: str) -> Record | None:
    records = [f.record for f in result.findings.values() if f.record and f.record.rule == rule]
    return max(records, key=lambda record: record.execution.cpu_seconds, default=None)


def total_seconds(jobs: list[Rebuild]) -> tuple[float, float, int]:
    """(core-seconds, GPU-seconds, number of jobs of unknown cost)."""
    core = sum(job.core_seconds or 0 for job in jobs)
    gpu = sum(job.gpu_seconds or 0 for job in jobs)
    return core, gpu, sum(job.record is None for job in jobs)

"""What the commands found, for people (``show_…``) and for programs (``…_json``)."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nao.provenance.audit import Audit, Finding
from nao.provenance.difference import Difference
from nao.provenance.explain import Rebuild, total_seconds
from nao.provenance.lineage import Lineage, summary
from nao.provenance.reproduce import Outcome, Repetition
from nao.provenance.schema import Record

AUDIT_SCHEMA = "nao-audit/2"


def audit_json(audit: Audit) -> dict[str, Any]:
    """``nao audit --json``: paths are relative to their tree."""
    return {
        "schema": AUDIT_SCHEMA,
        "verified": audit.verified,
        "sound": audit.sound,
        "compared_with_today": audit.with_today,
        "departures_from_lock": audit.departures,
        "counts": audit.counts,
        "seal": audit.seal,
        "artefacts": [_finding_json(finding, audit) for finding in audit.findings.values()],
    }


def _finding_json(finding: Finding, audit: Audit) -> dict[str, Any]:
    return {
        "path": finding.name,
        "tree": finding.base.name,
        "verdict": finding.verdict.value,
        "reasons": [{"kind": reason.kind, "text": reason.text} for reason in finding.reasons],
        "sha256": finding.facts.sha256,
        "record_id": finding.record.id if finding.record else None,
        "inputs": [audit.findings[path].name for path in finding.inputs],
    }


def lineage_json(
    found: Lineage, points: pd.DataFrame | None, records: Mapping[str, Record | None]
) -> dict[str, Any]:
    """``nao lineage --json``."""
    return {
        "schema": "nao-lineage/1",
        "artefact": found.top,
        "detached": found.detached,
        "points": finite(points.to_dict("records")) if points is not None else [],
        "artefacts": {name: finite(summary(record)) for name, record in records.items()},
    }


def finite(value: Any) -> Any:
    """``value`` as strict JSON holds it: NaN, infinity and missing values become null."""
    if isinstance(value, dict):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    if value is None or value is pd.NA:
        return None
    if hasattr(value, "item"):
        return finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def budgets_json(given: pd.DataFrame) -> dict[str, Any]:
    """``nao budgets --json``."""
    return {"schema": "nao-budgets/1", "given": finite(given.to_dict("records"))}


def explain_json(jobs: list[Rebuild]) -> dict[str, Any]:
    """``nao explain --json``."""
    core, gpu, unknown = total_seconds(jobs)
    return {
        "schema": "nao-explain/2",
        "core_seconds": core,
        "gpu_seconds": gpu,
        "jobs_of_unknown_cost": unknown,
        "jobs": [
            {
                "rule": job.rule,
                "outputs": job.outputs,
                "reasons": [asdict(reason) for reason in job.reasons],
                "core_seconds": job.core_seconds,
                "gpu_seconds": job.gpu_seconds,
            }
            for job in jobs
        ],
    }


def show_explain(console: Console, jobs: list[Rebuild]) -> None:
    if not jobs:
        console.print("Nothing would be made anew.")
        return
    for job in jobs:
        core = job.core_seconds
        cost = "unknown cost" if core is None else f"{duration(core)} of a core"
        console.print(f"[bold]{escape(job.rule)}[/] {escape(', '.join(job.outputs))} ({cost})")
        for reason in job.reasons:
            console.print(f"  {escape(reason.kind)}: {escape(reason.text)}", style="dim")
    core, gpu, unknown = total_seconds(jobs)
    accelerated = f", {duration(gpu)} of a GPU" if gpu else ""
    rest = f", and {unknown} of unknown cost" if unknown else ""
    console.print(f"{len(jobs)} jobs: {duration(core)} of a core{accelerated}{rest}")


def duration(seconds: float) -> str:
    """In the unit that a reader would take: `0.4 s`, `12 min`, `3.1 h`."""
    unit, length = next((u, n) for u, n in (("h", 3600), ("min", 60), ("s", 0)) if seconds >= 2 * n)
    number = seconds / (length or 1)
    return f"{number:.2g} {unit}" if number < 10 else f"{number:.0f} {unit}"


def diff_json(found: list[Difference]) -> dict[str, Any]:
    """``nao diff --json``."""
    content = [finite(asdict(each)) | {"equal": each.equal} for each in found]
    return {"schema": "nao-diff/1", "artefacts": content}


def show_diff(console: Console, found: list[Difference]) -> None:
    differing = [each for each in found if not each.equal]
    for each in differing:
        state = {True: "same bytes", False: "other bytes", None: ""}[each.same_bytes]
        console.print(f"[bold]{escape(each.name)}[/] {state}")
        for part in ("notes", "inputs", "params", "code", "environment"):
            for text in getattr(each, part):
                console.print(f"  {part}: {escape(text)}", style="dim")
        if each.numbers:
            console.print(_moved_table(each))
    console.print(f"{len(found) - len(differing)} of {len(found)} artefacts are equal")


def _moved_table(each: Difference) -> Table:
    table = Table("column", "numbers moved", "by at most", "relative", box=None, padding=(0, 2))
    for moved in each.numbers:
        numbers = (f"{moved.largest:.3g}", f"{moved.relative:.3g}")
        table.add_row(escape(moved.column), str(moved.count), *numbers)
    return table


def reproduce_json(done: list[Repetition]) -> dict[str, Any]:
    """``nao reproduce --json``."""
    return {"schema": "nao-reproduce/1", "jobs": [asdict(job) for job in done]}


def show_reproduce(console: Console, done: list[Repetition]) -> None:
    colours = {Outcome.SAME: "green", Outcome.TOLERATED: "yellow"}
    for job in done:
        for name, outcome in job.outcomes.items():
            colour = colours.get(outcome, "red")
            console.print(f"[{colour}]{outcome.value}[/]  {escape(name)} ({escape(job.rule)})")
        for note in job.notes:
            console.print(f"  {escape(note)}", style="dim")

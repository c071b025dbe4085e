"""An audit for people (a tree) and for programs (JSON)."""

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from nao.provenance.audit import Audit, Finding, Verdict

AUDIT_SCHEMA = "nao-audit/1"
MARKS = {
    Verdict.VERIFIED: "[green]✓ verified[/]",
    Verdict.STALE: "[yellow]~ stale[/]",
    Verdict.UNRECORDED: "[magenta]? unrecorded[/]",
    Verdict.MISSING: "[red]∅ missing[/]",
    Verdict.TAMPERED: "[bold red]✗ tampered[/]",
}


def audit_json(audit: Audit) -> dict[str, Any]:
    """``nao audit --json``: paths are relative to their tree."""
    return {
        "schema": AUDIT_SCHEMA,
        "verified": audit.verified,
        "compared_with_today": audit.with_today,
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


def audit_trees(audit: Audit, whole: bool = False) -> list[Tree]:
    """A tree per artefact that nothing else was made from; below each what it rests on.

    Branches that are verified to their roots are folded into a count unless ``whole``.
    """
    used = {path for finding in audit.findings.values() for path in finding.inputs}
    shown: set[Path] = set()
    tops = [path for path in audit.findings if path not in used]
    # a circle has no top
    return [_grow(None, path, audit, shown, whole) for path in tops or list(audit.findings)[:1]]


def _grow(parent: Tree | None, path: Path, audit: Audit, shown: set[Path], whole: bool) -> Tree:
    """Depth first without recursion, since a forged chain may be deep."""
    top = _branch(parent, audit.findings[path])
    waiting = [(top, path)]
    while waiting:
        node, path = waiting.pop()
        finding = audit.findings[path]
        if path in shown and finding.inputs:
            node.add("[dim]as above[/]")
            continue
        shown.add(path)
        if finding.verdict is Verdict.VERIFIED and not whole:
            if finding.inputs:
                node.add(f"[dim]{_count_below(path, audit)} verified below[/]")
            continue
        waiting += [(_branch(node, audit.findings[below]), below) for below in finding.inputs]
    return top


def _branch(parent: Tree | None, finding: Finding) -> Tree:
    reasons = "".join(f"\n  [dim]{escape(reason.text)}[/]" for reason in finding.reasons)
    label = f"{MARKS[finding.verdict]}  {escape(finding.name)}{reasons}"
    return Tree(label) if parent is None else parent.add(label)


def _count_below(path: Path, audit: Audit) -> int:
    below: set[Path] = set()
    waiting = [path]
    while waiting:
        for each in audit.findings[waiting.pop()].inputs:
            if each not in below:
                below.add(each)
                waiting.append(each)
    return len(below)

"""What an audit found, for people: what is sound as trees, faults by their reasons."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from nao.provenance.audit import SOUND, Audit, Finding, Verdict
from nao.provenance.today import Reason

UNBOUNDED = 100_000  # columns: a path is never cut
UPSTREAM = "upstream"
MEND = "`rm .venv/installed; make .venv/installed` mends it."
REASONS = 3
"""Of one kind that are told, those of most artefacts first."""
MARKS = {
    Verdict.VERIFIED: "[green]✓ verified[/]",
    Verdict.STALE: "[yellow]~ stale[/]",
    Verdict.EARLIER: "[cyan]✓ earlier[/]",
    Verdict.PUBLISHED: "[cyan]✓ published[/]",
    Verdict.UNRECORDED: "[magenta]? unrecorded[/]",
    Verdict.UNREADABLE: "[magenta]? unreadable[/]",
    Verdict.MISSING: "[red]∅ missing[/]",
    Verdict.TAMPERED: "[bold red]✗ tampered[/]",
}


@dataclass(frozen=True)
class Fault:
    """Artefacts of one verdict for one reason."""

    verdict: Verdict
    reason: Reason
    names: list[str]


def show_audit(console: Console, audit: Audit, whole: bool) -> None:
    """What is sound and what is not; each artefact with all its reasons only if ``whole``."""
    trees = whole_trees(audit) if whole else sound_trees(audit)
    width, console.width = console.width, UNBOUNDED
    for tree in trees:
        console.print(tree, overflow="ignore", crop=False, no_wrap=True)
    if not whole:
        _show_faults(console, faults(audit))
    console.width = width
    if not whole and (hidden := len(_sound_tops(audit)) - len(trees)):
        console.print(f"{hidden} more, all as recorded, that nothing was made from")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in audit.counts.items() if count)
    console.print(f"{counts}; seal {audit.seal}")
    if not audit.with_today:
        console.print("Not compared with today's code, workflow, configuration and packages.")
    if audit.departures:
        more = f" and {len(audit.departures) - 3} more" if len(audit.departures) > 3 else ""
        told = "; ".join(audit.departures[:3])
        console.print(f"The environment is not the lock's: {escape(told)}{more}. {MEND}")


def faults(audit: Audit) -> list[Fault]:
    """One for each verdict and reason, the worst verdict first, then the one of most artefacts.

    What is at fault only since it rests on others is told last, as one.
    """
    found: dict[tuple[Verdict, str, str], Fault] = {}
    for finding in audit.findings.values():
        if finding.verdict not in SOUND:
            own = [reason for reason in finding.reasons if reason.kind != UPSTREAM]
            for reason in own or finding.reasons[:1]:
                text = reason.text if own else ""
                fault = Fault(finding.verdict, reason, [])
                found.setdefault((finding.verdict, reason.kind, text), fault).names.append(
                    finding.name
                )
    severity = list(Verdict).index
    return sorted(
        found.values(),
        key=lambda fault: (
            severity(fault.verdict),
            fault.reason.kind == UPSTREAM,
            -len(fault.names),
        ),
    )


def _show_faults(console: Console, found: list[Fault]) -> None:
    """An artefact for each reason, with the count of the others: --all names them."""
    alike: dict[tuple[Verdict, str], list[Fault]] = defaultdict(list)
    for fault in found:
        alike[fault.verdict, fault.reason.kind].append(fault)
    for (_, kind), reasons in alike.items():
        for fault in reasons[:REASONS]:
            console.print(f"{MARKS[fault.verdict]}  {escape(fault.names[0])}")
            console.print(f"  [dim]{escape(fault.reason.text)}[/]")
            if others := len(fault.names) - 1:
                why = "that rest on such" if kind == UPSTREAM else "for the same reason"
                console.print(f"  [dim]and {others} more {why}[/]")
        if left := reasons[REASONS:]:
            artefacts = len({name for fault in left for name in fault.names})
            console.print(
                f"  [dim]{len(left)} other reasons of this kind, of {artefacts} artefacts[/]"
            )
    if found:
        console.print("Every artefact with all its reasons: --all")


def sound_trees(audit: Audit) -> list[Tree]:
    """What is sound and nothing was made from, with the count of what it rests on.

    Mere by-products, which are neither figures nor at the top of the tree, are left out.
    """
    tops = _sound_tops(audit)
    told = [each for each in tops if len(tops) == 1 or _is_told(audit.findings[each])]
    trees = [_branch(None, audit.findings[path], brief=True) for path in told]
    for tree, path in zip(trees, told, strict=True):
        if count := _count_below(path, audit):
            tree.add(f"[dim]{count} {audit.findings[path].verdict} below[/]")
    return trees


def whole_trees(audit: Audit) -> list[Tree]:
    """A tree for each artefact that nothing was made from; below it all that it rests on."""
    shown: set[Path] = set()
    used = _used(audit)
    tops = sorted(audit.findings, key=lambda path: path in used)  # a circle has no top
    return [_grow(path, audit, shown) for path in tops if path not in shown]


def _sound_tops(audit: Audit) -> list[Path]:
    used = _used(audit)
    return [p for p, each in audit.findings.items() if p not in used and each.verdict in SOUND]


def _used(audit: Audit) -> set[Path]:
    return {path for finding in audit.findings.values() for path in finding.inputs}


def _is_told(finding: Finding) -> bool:
    return finding.name.startswith("figures/") or "/" not in finding.name


def _grow(path: Path, audit: Audit, shown: set[Path]) -> Tree:
    """Depth first without recursion, since a forged chain may be deep."""
    top = _branch(None, audit.findings[path])
    waiting = [(top, path)]
    while waiting:
        node, path = waiting.pop()
        inputs = audit.findings[path].inputs
        if path in shown and inputs:
            node.add("[dim]as above[/]")
            continue
        shown.add(path)
        waiting += [(_branch(node, audit.findings[below]), below) for below in inputs]
    return top


def _branch(parent: Tree | None, finding: Finding, brief: bool = False) -> Tree:
    """The verdict, a line for each reason; if ``brief`` the first and the count of the others."""
    told = [reason.text for reason in finding.reasons]
    if brief and len(told) > 2:
        told[1:] = [f"and {len(told) - 1} other reasons (--all)"]
    reasons = "".join(f"\n  [dim]{escape(text)}[/]" for text in told)
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

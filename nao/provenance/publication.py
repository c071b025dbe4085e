"""Publishing: the figures, claims and tables of a finished tree, with all records behind them.

A published tree ships no data sets, weights or estimates, and says so in ``published.json``: the
audit then knows what is not shipped from what is lost, and records alone lead from a picture to
its runs, seeds and settings. The tree's name in ``results/`` may be any.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nao.provenance.audit import Audit, Finding, Verdict
from nao.provenance.schema import record_path
from nao.provenance.trees import PUBLISHED, Publication


class PublicationError(ValueError):
    """A tree that cannot be published, or a place where it cannot; the message says why."""


def publish(result: Audit, out: Path) -> list[str]:
    """Replace ``out`` by what is to be seen of the one audited tree; the names of its files.

    Raises :class:`PublicationError` where something that is to be seen is not verified, or where
    ``out`` holds what was not published.
    """
    bases = {finding.base for finding in result.findings.values()}
    if len(bases) != 1:
        raise PublicationError(f"{len(bases)} results trees were named; name one")
    (base,) = bases
    shipped = list(dict.fromkeys(_seen(result)))
    if not shipped:
        raise PublicationError(f"{base} holds neither figures nor claims; make them first")
    behind = _behind(result, shipped)
    for finding in behind:
        if finding.verdict is not Verdict.VERIFIED:
            reason = finding.reasons[0].text
            raise PublicationError(f"{finding.name} is {finding.verdict}: {reason}; make it anew")
    if out.exists() and any(out.iterdir()) and not (out / PUBLISHED).is_file():
        raise PublicationError(f"{out} holds what was not published; move it away")
    content = Publication(
        seal=result.seal, files=sorted(result.findings[path].name for path in shipped)
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        fresh, old = Path(folder, "fresh"), Path(folder, "old")
        for name in content.files:
            _copy(base / name, fresh / name)
        for finding in behind:
            _copy(record_path(base, finding.name), record_path(fresh, finding.name))
        text = content.model_dump_json(indent=1, by_alias=True) + "\n"
        (fresh / PUBLISHED).write_text(text, encoding="utf-8")
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    return content.files


def _seen(result: Audit) -> Iterator[Path]:
    """Figures, claims, and the tables that they show."""
    for path, finding in result.findings.items():
        if finding.name.startswith("figures/") or "/" not in finding.name:
            yield path
            yield from finding.inputs


def _behind(result: Audit, shipped: list[Path]) -> list[Finding]:
    """All that the shipped files rest on, with themselves."""
    found: dict[Path, Finding] = {}
    waiting = list(shipped)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = result.findings[path]
            waiting += found[path].inputs
    return list(found.values())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)

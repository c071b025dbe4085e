"""The page of a results tree: figures whose points can be asked, claims, and trainings."""

import re
import sys
from pathlib import Path
from typing import Any

from nao.provenance.audit import Audit, Finding
from nao.provenance.lineage import summary as making
from nao.provenance.page import claims, training
from nao.provenance.page.captions import caption
from nao.provenance.page.document import PageError, picture, write_document
from nao.provenance.page.points import Point, points_in, summary
from nao.provenance.view import finite


def write_page(result: Audit, out: Path, clone: Path | None = None) -> None:
    """Write the page of the one tree that was audited; captions are the clone's.

    Raises :class:`PageError` where the audit holds no tree, several, or no figure.
    """
    bases = {finding.base for finding in result.findings.values()}
    if len(bases) != 1:
        raise PageError(f"{len(bases)} results trees were named; name one, as results/laptop")
    (base,) = bases
    figures = sorted((f for f in result.findings.values() if _is_figure(f)), key=_place)
    if not figures:
        raise PageError(f"{base} holds no figures/*.png; make them first")
    # A published tree may have any name; its records have that of the one it was made in.
    scale = next((f.record.tree for f in figures if f.record), base.name)
    points = {figure.path: points_in(figure.path) for figure in figures}
    every = [point for found in points.values() for point in found]
    judged = claims.claims_in(base)
    fixed: dict[str, Any] = {
        "scale": scale,
        "counts": result.counts,
        "seal": result.seal,
        "claims": judged,
        "claim_counts": claims.counts(judged),
        "claims_caption": caption(clone, "claims.rst", scale),
        "trainings": training.trainings_in(base, every),
        "data": _data(result, base, every),
    }
    told = [_figure(figure, points[figure.path], scale, clone) for figure in figures]

    def content(width: int) -> dict[str, Any]:
        return fixed | {"figures": [each | {"picture": picture(each["path"], width)}
                                    for each in told]}  # fmt: skip

    write_document(out, "results.html", content)


def _is_figure(finding: Finding) -> bool:
    return finding.path.parent.name == "figures" and finding.path.suffix == ".png"


def _place(figure: Finding) -> tuple[int, str]:
    """Figures by their number, then others by name."""
    number = re.fullmatch(r"fig(\d+)", figure.path.stem)
    return (int(number[1]) if number else sys.maxsize, figure.path.stem)


def _figure(
    finding: Finding, points: list[Point], scale: str, clone: Path | None
) -> dict[str, Any]:
    panels: dict[str, list[Point]] = {}
    for point in points:
        panels.setdefault(point.panel, []).append(point)
    return {
        "name": finding.path.stem,
        "path": finding.path,
        "verdict": finding.verdict.value,
        "id": finding.record.id if finding.record else "none",
        "caption": caption(clone, "figure.rst", scale, figure=finding.path.stem),
        "points": points,
        "panels": panels,
        "alt": f"{finding.path.stem}. {summary(points)}".strip(),
    }


def _data(result: Audit, base: Path, points: list[Point]) -> dict[str, Any]:
    """What the script shows: each point, and what is known of each artefact behind one."""
    wanted = {name for point in points for name, _ in point.content["artefacts"]}
    artefacts = {
        finding.name: {
            **finite(making(finding.record) or {}),
            "verdict": finding.verdict.value,
            "reasons": [reason.text for reason in finding.reasons],
        }
        for finding in result.findings.values()
        if finding.name in wanted and finding.base == base
    }
    return {"points": {point.id: finite(point.content) for point in points}, "artefacts": artefacts}

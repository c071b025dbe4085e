"""One self-contained page of a results tree: gallery, claims, and each figure's making.

It opens from disk: pictures, style and script are inside, and its policy forbids any connection.
What records and tables say enters as text only, never as markup or code.
"""

import base64
import hashlib
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment
from PIL import Image

from nao.files import atomic_path
from nao.provenance.audit import Audit, Finding
from nao.provenance.lineage import LineageError, lineage, points_of, rows_of, summary
from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.page.picture import Picture, lineage_picture
from nao.provenance.view import finite

LARGEST = 5 * 1000**2  # bytes of the whole page
WIDTHS = (1800, 1400, 1000, 700, 400)  # of the pictures, until the page is small enough
CLAIM_COLUMNS = (
    *("id", "subject", "statement", "number", "low", "high", "done", "planned", "verdict"),
)


class PageError(ValueError):
    """A tree that no page can show; the message says why."""


def write_page(result: Audit, out: Path) -> None:
    """Write the page of the one tree that was audited.

    Raises :class:`PageError` where the audit holds no tree, several, or no figure.
    """
    bases = {finding.base for finding in result.findings.values()}
    if len(bases) != 1:
        raise PageError(f"{len(bases)} results trees were named; name one, as results/laptop")
    (base,) = bases
    figures = [f for f in result.findings.values() if _is_figure(f)]
    if not figures:
        raise PageError(f"{base} holds no figures/*.png; make them first")
    for width in WIDTHS:
        text = _render(result, base, figures, width)
        if len(text.encode()) < LARGEST:
            break
    else:
        raise PageError(f"the page of {base} is larger than {LARGEST} bytes; name fewer figures")
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _is_figure(finding: Finding) -> bool:
    return finding.path.parent.name == "figures" and finding.path.suffix == ".png"


def _render(result: Audit, base: Path, figures: list[Finding], width: int) -> str:
    here = files(__name__)
    style, script = ((here / name).read_text("utf-8") for name in ("page.css", "page.js"))
    pictures = [(figure, _picture_of(figure)) for figure in figures]
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (here / "page.html").read_text("utf-8")
    )
    return template.render(
        scale=base.name,
        counts=result.counts,
        seal=result.seal,
        verified=result.verified,
        figures=[
            {
                "name": figure.path.stem,
                "verdict": figure.verdict.value,
                "id": figure.record.id if figure.record else "none",
                "data": _data_uri(figure.path, width),
                "picture": picture,
            }
            for figure, picture in pictures
        ],
        claims=_claims(base),
        style=style,
        script=script,
        script_hash=_policy_hash(script),
        style_hash=_policy_hash(style),
        data=_embedded(_data(result, base, [picture for _, picture in pictures if picture])),
    )


def _policy_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_uri(path: Path, width: int) -> str:
    with Image.open(path) as image:
        image.load()
        if image.width > width:
            size = (width, max(1, round(image.height * width / image.width)))
            image = image.resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _picture_of(figure: Finding) -> Picture | None:
    try:
        found = lineage(figure.path)
        return lineage_picture(found, points_of(rows_of(found)))
    except LineageError:
        return None  # without a record there is nothing to follow, which the verdict says


def _claims(base: Path) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the claims, as text; empty where there are none."""
    try:
        table = read_table(base / "claims.parquet")
    except UnreadableTable:
        return [], []
    columns = [column for column in CLAIM_COLUMNS if column in table]
    rows = [[_cell(value) for value in row] for row in table[columns].itertuples(index=False)]
    return columns, rows


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _data(result: Audit, base: Path, pictures: list[Picture]) -> dict[str, Any]:
    """What the script shows: each point, and what is known of each artefact behind one."""
    points = {point.id: finite(point.content) for picture in pictures for point in picture.points}
    wanted = {name for point in points.values() for name in point["artefacts"]}
    artefacts = {
        finding.name: {
            **finite(summary(finding.record) or {}),
            "verdict": finding.verdict.value,
            "reasons": [reason.text for reason in finding.reasons],
        }
        for finding in result.findings.values()
        if finding.name in wanted and finding.base == base
    }
    return {"points": points, "artefacts": artefacts}


def _embedded(content: dict[str, Any]) -> str:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

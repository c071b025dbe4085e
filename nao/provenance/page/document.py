"""What every page is made of: a template, its style and script, and pictures within."""

import base64
import hashlib
import io
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from PIL import Image, UnidentifiedImageError

from nao.files import atomic_path

LARGEST = 5 * 1000**2  # bytes of a whole page
WIDTHS = (1800, 1400, 1000, 700, 400)  # of the pictures, until the page is small enough
HERE = "nao.provenance.page"


class PageError(ValueError):
    """Results that no page can show; the message says why."""


def write_document(out: Path, template: str, content: Callable[[int], dict[str, Any]]) -> None:
    """Write the page that `content` gives for pictures of at most so many pixels' width.

    Raises :class:`PageError` where even small pictures leave it larger than `LARGEST`.
    """
    for width in WIDTHS:
        # names of files may be no text
        text = _render(template, content(width)).encode(errors="backslashreplace")
        if len(text) < LARGEST:
            break
    else:
        raise PageError(f"{out} would be larger than {LARGEST} bytes; show fewer results")
    with atomic_path(out) as temporary:
        temporary.write_bytes(text)


def _render(template: str, content: dict[str, Any]) -> str:
    style, script = ((files(HERE) / name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=PackageLoader(HERE, ".")
    )
    return environment.get_template(template).render(
        **content | {"data": _embedded(content.get("data", {}))},
        style=style,
        script=script,
        style_hash=_policy_hash(style),
        script_hash=_policy_hash(script),
        number=number,
    )


def _policy_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(content: dict[str, Any]) -> str:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def picture(path: Path, width: int) -> dict[str, Any] | None:
    """A picture's address within the page, and its size; None for what is no picture."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    if image.width > width:
        size = (width, max(1, round(image.height * width / image.width)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # A third of the bytes: figures have few colours, and the page must hold all of them.
    colours = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(buffer, "PNG", optimize=True)
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"address": address, "width": image.width, "height": image.height}


def number(value: float | None) -> str:
    """A number as a reader takes it in; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:.3g}".replace("-", "−").replace("inf", "∞")

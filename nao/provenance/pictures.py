"""What a figure bears within: the id of its record, and, in a PNG, where its marks stand.

Both are text chunks of a PNG; the id of a PDF is among its keywords.
"""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

KEY, MARKS = "nao-record", "nao-marks"
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 1000**2


def metadata(record_id: str, path: str | Path, marks: Any = None) -> dict[str, str | None]:
    """What to give ``Figure.savefig(path, metadata=…)``; no time enters, so bytes repeat.

    ``marks`` are what `nao.figures.marks` tells. Raises ``ValueError`` for a format other than PNG
    and PDF.
    """
    match Path(path).suffix.lower():
        case ".png":
            told = {} if marks is None else {MARKS: json.dumps(marks, separators=(",", ":"))}
            return {KEY: record_id, **told}
        case ".pdf":
            return {"Keywords": f"{KEY}:{record_id}", "CreationDate": None, "ModDate": None}
        case other:
            raise ValueError(f"{path}: figures are .png or .pdf, not {other!r}; rename the output")


def embedded_id(path: str | Path) -> str | None:
    """The id inside a picture; None where there is none or the file is no sound PNG or PDF."""
    with Path(path).open("rb") as file:
        head = file.read(8)
    if head == _PNG:
        return _from_png(Path(path), KEY)
    return _from_pdf(Path(path)) if head.startswith(b"%PDF-") else None


def embedded_marks(path: str | Path) -> str | None:
    """The marks inside a PNG, as JSON that nobody has checked; None where there are none."""
    with Path(path).open("rb") as file:
        head = file.read(8)
    return _from_png(Path(path), MARKS) if head == _PNG else None


def _from_png(path: Path, wanted: str) -> str | None:
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if kind != b"tEXt" or length > _LARGEST_TEXT:
                file.seek(length + 4, 1)
                continue
            data, check = file.read(length), file.read(4)
            key, _, text = data.partition(b"\0")
            if key == wanted.encode() and check == struct.pack(">I", zlib.crc32(kind + data)):
                return text.decode("latin-1")
    return None


def _from_pdf(path: Path) -> str | None:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        info = PdfReader(path).metadata
        words = str(info.get("/Keywords", "")) if info else ""
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return None
    key, _, value = words.partition(":")
    return value if key == KEY else None

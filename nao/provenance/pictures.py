"""The record's id inside a figure: a text chunk of a PNG, the keywords of a PDF."""

import struct
import zlib
from pathlib import Path

KEY = "nao-record"
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 4096


def metadata(record_id: str, path: str | Path) -> dict[str, str | None]:
    """What to give ``Figure.savefig(path, metadata=…)``; no time enters, so bytes repeat.

    Raises ``ValueError`` for a format other than PNG and PDF.
    """
    match Path(path).suffix.lower():
        case ".png":
            return {KEY: record_id}
        case ".pdf":
            return {"Keywords": f"{KEY}:{record_id}", "CreationDate": None, "ModDate": None}
        case other:
            raise ValueError(f"{path}: figures are .png or .pdf, not {other!r}; rename the output")


def embedded_id(path: str | Path) -> str | None:
    """The id inside a picture; None where there is none or the file is no sound PNG or PDF."""
    with Path(path).open("rb") as file:
        head = file.read(8)
    if head == _PNG:
        return _from_png(Path(path))
    return _from_pdf(Path(path)) if head.startswith(b"%PDF-") else None


def _from_png(path: Path) -> str | None:
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if kind != b"tEXt" or length > _LARGEST_TEXT:
                file.seek(length + 4, 1)
                continue
            data, check = file.read(length), file.read(4)
            key, _, text = data.partition(b"\0")
            if key == KEY.encode() and check == struct.pack(">I", zlib.crc32(kind + data)):
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

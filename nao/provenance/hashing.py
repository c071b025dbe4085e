"""SHA-256 of files, streamed; and the file's signature that tells cheaply whether it changed."""

import hashlib
from functools import lru_cache
from pathlib import Path

Signature = tuple[int, int, int, int]


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def signature(path: Path) -> Signature:
    """Inode, size, and times: unequal after any honest write; not proof against a forger."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@lru_cache(maxsize=4096)
def remembered_sha256(path: Path, _signature: Signature) -> str:
    """:func:`sha256_of`, computed once a process for a file in one state."""
    return sha256_of(path)

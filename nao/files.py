"""Files that are whole or absent: written beside their place, then moved into it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; renamed to ``path`` if the block succeeds.

    The temporary file bears the process id, so that processes do not meet, and the final suffix,
    by which writers choose a format. If the block raises, it is removed and ``path`` is untouched.
    Missing folders are made. Who may read the file is what the umask says, whatever its writer
    thinks (safetensors shuts it to all others).

    Raises ``OSError`` where the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    temporary.touch()
    mode = stat.S_IMODE(temporary.stat().st_mode)
    temporary.unlink()
    try:
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

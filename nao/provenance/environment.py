"""What a job ran on and with: git, lock, packages, machine, device. Nothing that names a person.

torch is asked only where the job has imported it already; no program but git is started.
"""

import hashlib
import os
import platform
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from nao.provenance.packages import ENGINE, describe_lock, installed
from nao.provenance.schema import Environment, Git, GitRefusal

SECRETS = ".nao"  # a folder of the clone that git ignores


def describe_environment(
    repository: Path,
    lock: Path | None,
    device: str,
    modules: Iterable[str],
    kernel: str | None = None,
) -> Environment:
    """The environment of this process, which runs code that imports ``modules`` of others.

    ``device`` is named as torch does (``cpu``, ``cuda:0``).
    """
    name, cuda = describe_device(device)
    return Environment(
        lock=describe_lock(lock, repository) if lock is not None else None,
        packages=installed([*modules, ENGINE]),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        host=host_hash(repository),
        processor=processor_name(),
        cores=len(os.sched_getaffinity(0)),
        device=name,
        kernel=kernel,
        driver=driver_version(),
        cuda=cuda,
    )


@cache
def processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_device(device: str) -> tuple[str, str | None]:
    """(name of the accelerator or ``cpu``, CUDA version or None)."""
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name(device), torch.version.cuda
    return device, None


def driver_version() -> str | None:
    """The NVIDIA kernel driver's version, where one is loaded."""
    try:
        found = re.search(
            r"\d+\.\d[\d.]*", Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
        )
    except OSError:
        return None
    return found.group() if found else None


def host_hash(repository: Path) -> str:
    """Sixteen hex digits that tell machines apart and name none.

    Keyed by a random salt that never leaves the clone, so that guessing names does not help. All
    users of one clone share it: it is written with the mode that their umask gives.
    """
    try:
        identity = Path("/etc/machine-id").read_text(encoding="utf-8").strip()
    except OSError:
        identity = ""
    text = f"{socket.gethostname()} {identity}".encode()
    return hashlib.blake2b(text, key=_salt(repository), digest_size=8).hexdigest()


@cache
def _salt(repository: Path) -> bytes:
    folder = repository / SECRETS
    fresh = secrets.token_bytes(32)
    try:
        return (folder / "salt").read_bytes()[:32]
    except OSError:
        pass
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        # link() fails where another job was first, and never shows half a salt
        draft = folder / f"salt.{secrets.token_hex(8)}"
        draft.write_bytes(fresh)
        try:
            os.link(draft, folder / "salt")
        except FileExistsError:
            fresh = (folder / "salt").read_bytes()
        finally:
            draft.unlink()
    except OSError:  # a read-only clone: hosts are then hidden from one another, too
        pass
    return fresh[:32]


class GitQuestion:
    """Asks git for the state of the clone without making the job wait for the answer."""

    def __init__(self, repository: Path):
        self._repository = repository
        self._status = self._start("status", "--porcelain=v2", "--branch", "--untracked-files=no")

    def answer(self, code: Iterable[str]) -> Git | GitRefusal | None:
        """The state; None where the clone has no git or no commit; why git did not tell it.

        ``code`` are the files that ran, relative to the clone: those that git does not know are
        told, too.
        """
        if not (self._repository / ".git").exists():  # a folder above may be another repository
            return None
        if self._status is None:
            return GitRefusal(refused="git is not installed")
        output, refusal = self._status.communicate()
        if self._status.returncode:
            sentence = " ".join(refusal.decode(errors="replace").split())
            return GitRefusal(refused=sentence.replace(str(self._repository), "the clone"))
        lines = output.decode(errors="replace").splitlines()
        heads = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
        if not heads or heads[0] == "(initial)":
            return None
        changed = any(not line.startswith("#") for line in lines)
        untracked = self._untracked(code)
        return Git(
            commit=heads[0],
            dirty=changed or bool(untracked),
            diff_sha256=self._diff() if changed else None,
            untracked=untracked,
        )

    def _untracked(self, code: Iterable[str]) -> list[str]:
        """Ignored or not: what no commit holds."""
        process = self._start("ls-files", "-z", "--others", "--", *sorted(code))
        if process is None:
            return []
        return sorted(filter(None, process.communicate()[0].decode(errors="replace").split("\0")))

    def _diff(self) -> str | None:
        process = self._start("diff", "HEAD", "--no-ext-diff", "--no-color", "--binary")
        if process is None:
            return None
        return hashlib.sha256(process.communicate()[0]).hexdigest()

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes] | None":
        clone = str(self._repository)
        try:
            return subprocess.Popen(
                # A job runs code of this clone as it is, whoever owns it; so may git.
                ["git", "-c", f"safe.directory={clone}", "-C", clone, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # read only: jobs run side by side
            )
        except OSError:
            return None

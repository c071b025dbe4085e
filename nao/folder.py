"""Who works in a folder: one run at a time, and what a run that died has left behind.

The main process of a run holds an exclusive `flock` on `.snakemake/nao.lock` for as long as it
lives, with its name inside. Snakemake's own lock outlives a killed process and does not see runs
whose files are others; this one is given back by the kernel, however the process ends. Jobs that a
dead run left in SLURM's queue are known by their working folder.
"""

import fcntl
import getpass
import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LOCK = Path(".snakemake", "nao.lock")
SNAKEMAKES = Path(".snakemake", "locks")
PATIENCE = 120.0
"""Seconds that cancelled jobs are given to save their state and end."""


class Occupied(RuntimeError):
    """The folder is not free; the message says who works there, and the remedy."""


@dataclass(frozen=True)
class QueuedJob:
    """A job of this folder in SLURM's queue."""

    number: str
    user: str
    state: str


def occupy(folder: Path) -> int:
    """Take the folder for this process, for as long as it lives; the open lock.

    A lock of Snakemake's that a dead process of this machine left is removed. Raises `Occupied`
    while another run lives, and where a dead one's jobs are still in SLURM's queue.
    """
    path = folder / LOCK
    path.parent.mkdir(exist_ok=True)
    lock, mine = _open(path)
    owner = _owner(lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Occupied(
            f"another run works in this folder ({_name(owner)}); wait for its end, or work in a "
            "clone of your own"
        ) from None
    stale = list((folder / SNAKEMAKES).glob("*.lock"))
    if stale and owner.get("host", socket.gethostname()) != socket.gethostname():
        os.close(lock)
        raise Occupied(
            f"a run on another machine holds this folder ({_name(owner)}); if it has ended, run "
            "nao recover there or here"
        )
    if left := [job for job in orphans(folder) if job.state != "COMPLETING"]:
        os.close(lock)
        raise Occupied(
            f"{_jobs(left)}, which a run of this folder that has ended left there; nao recover "
            "cancels them and frees the folder (trainings go on from their checkpoints)"
        )
    for each in stale:
        each.unlink(missing_ok=True)
    if mine:
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps(_own_name()).encode(), 0)
    return lock


def orphans(folder: Path) -> list[QueuedJob]:
    """Jobs in SLURM's queue whose working folder this is; none where there is no SLURM."""
    if shutil.which("squeue") is None:
        return []
    query = ["squeue", "--noheader", "--all", "--format", "%i|%u|%T|%Z"]
    done = subprocess.run(query, capture_output=True, encoding="utf-8")
    rows = [line.split("|", 3) for line in done.stdout.splitlines()]
    here = str(folder.resolve())
    return [QueuedJob(*row[:3]) for row in rows if len(row) == 4 and row[3] == here]


def recover(folder: Path, report=print) -> None:
    """Cancel what a dead run left in SLURM's queue, wait for its end, and free the folder.

    Raises `Occupied` while the run lives on this machine, where jobs are another user's, and where
    they do not end.
    """
    if not folder.joinpath(".snakemake").is_dir():
        raise Occupied(f"{folder} holds no .snakemake, so no run was here; name another folder")
    lock, _ = _open(folder / LOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        name = _name(_owner(lock))
        raise Occupied(f"the run of this folder lives ({name}); stop it with Ctrl-C") from None
    finally:
        os.close(lock)
    left = orphans(folder)
    if foreign := [job for job in left if job.user != getpass.getuser()]:
        raise Occupied(f"{_jobs(foreign)}, and only {foreign[0].user} can cancel them")
    if left:
        report(f"cancelling jobs {', '.join(job.number for job in left)}")
        subprocess.run(["scancel", *(job.number for job in left)], check=True)
        deadline = time.monotonic() + PATIENCE
        while left := orphans(folder):
            if time.monotonic() > deadline:
                raise Occupied(f"{_jobs(left)}, and did not end within {PATIENCE:.0f} s; try again")
            time.sleep(1)
    stale = list((folder / SNAKEMAKES).glob("*.lock"))
    for each in stale:
        each.unlink(missing_ok=True)
    report("the folder is free; the same command as before goes on where the run ended")


def _open(path: Path) -> tuple[int, bool]:
    """The lock file, and whether this user may write a name into it."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666), True
    except PermissionError:
        return os.open(path, os.O_RDONLY), False


def _own_name() -> dict[str, str]:
    return {
        "host": socket.gethostname(),
        "process": str(os.getpid()),
        "user": getpass.getuser(),
        "since": datetime.now().isoformat(" ", "minutes"),
    }


def _owner(lock: int) -> dict[str, str]:
    try:
        return json.loads(os.pread(lock, 4096, 0) or b"{}")
    except ValueError:
        return {}


def _name(owner: dict[str, str]) -> str:
    if not owner:
        return "its name is not known"
    return (
        f"process {owner['process']} of {owner['user']} on {owner['host']}, since {owner['since']}"
    )


def _jobs(jobs: list[QueuedJob]) -> str:
    """As the subject of a sentence."""
    numbers = ", ".join(f"{job.number} ({job.state.lower()})" for job in jobs[:5])
    more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
    return f"SLURM's queue holds jobs {numbers}{more} of {jobs[0].user}"

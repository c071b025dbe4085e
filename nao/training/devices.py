"""Which device a training gets: the one demanded, or what is there; a GPU is leased.

A lease is an exclusive `flock` on one of the device's lock files, of which it has a slot for each
training that may share it. The kernel gives it back when the process ends, however it ends, so any
number of Snakemakes and users of one machine share its GPUs without a service.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

VISIBLE, SLURM_JOB = "CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"
LEASES = Path("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir(), "nao-gpu-leases")
"""On this machine's own memory or disk: locks of network file systems are not to be relied on."""


@contextmanager
def device_for(name: str, slots: int = 1, folder: Path = LEASES) -> Iterator[str]:
    """The device `name` (cpu, cuda or auto) as torch knows it, held while the block runs.

    `auto` is a GPU where there is one, and else the processor. A single GPU that SLURM has given to
    a job is taken as it is; else one with a free slot among those that the user has named in
    CUDA_VISIBLE_DEVICES, or among all, as soon as there is one.
    """
    if name == "cpu" or not torch.cuda.is_available():
        # a demand for one that is absent fails in training
        yield "cuda" if name == "cuda" else "cpu"
        return
    named = os.environ.get(VISIBLE)
    devices = named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]
    # SLURM counts the GPUs of each job from 0, so that one name may be of many GPUs.
    if named and len(devices) == 1 and SLURM_JOB in os.environ:
        yield "cuda:0"
        return
    with leased(devices, slots, folder) as index:
        torch.cuda.set_device(index)
        yield f"cuda:{index}"


@contextmanager
def leased(devices: Sequence[str], slots: int, folder: Path) -> Iterator[int]:
    """The index of a device of which no other process holds the slot; waits for one."""
    _share(folder)
    told = False
    while (lease := _free(devices, slots, folder)) is None:
        if not told:
            print(f"waiting for one of {len(devices)} GPUs: all are leased", flush=True)
            told = True
        time.sleep(0.2)
    index, lock = lease
    try:
        yield index
    finally:
        os.close(lock)


def _free(devices: Sequence[str], slots: int, folder: Path) -> tuple[int, int] | None:
    """Index and open lock of a device; those with no other lease first."""
    for slot in range(slots):
        for index, device in enumerate(devices):
            lock = _open(folder / f"{device.strip()}.{slot}")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                return index, lock
    return None


def _open(path: Path) -> int:
    """A lock file is read only: whoever made it, others lock it too."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o444))
        return os.open(path, os.O_RDONLY)


def _share(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)

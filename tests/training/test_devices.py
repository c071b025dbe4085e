"""A GPU's slot belongs to one process at a time, and is free again however that process ends."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from nao.training import devices
from nao.training.devices import device_for, leased

HOLDER = """
import sys, time
from pathlib import Path
from nao.training.devices import leased

folder, names, slots, diary, seconds = sys.argv[1:]
with leased(names.split(","), int(slots), Path(folder)) as index:
    with open(diary, "a") as file:
        file.write(f"{index} {time.monotonic()} ")
    time.sleep(float(seconds))
    with open(diary, "a") as file:
        file.write(f"{time.monotonic()}\\n")
"""


def holder(folder: Path, names: str, slots: int, diary: Path, seconds: float) -> subprocess.Popen:
    arguments = [str(folder), names, str(slots), str(diary), str(seconds)]
    return subprocess.Popen([sys.executable, "-c", HOLDER, *arguments])


def test_leases_of_many_processes_never_overlap(tmp_path):
    diaries = [tmp_path / f"diary{number}" for number in range(3)]
    held = [holder(tmp_path / "leases", "a", 1, diary, 0.5) for diary in diaries]
    assert [process.wait() for process in held] == [0] * 3
    spans = sorted(tuple(map(float, diary.read_text().split())) for diary in diaries)
    for (_, _, end), (_, start, _) in itertools.pairwise(spans):
        assert end <= start


def test_a_lease_of_a_killed_process_is_free_again(tmp_path):
    diary, leases = tmp_path / "diary", tmp_path / "leases"
    process = holder(leases, "a", 1, diary, 600)
    while not (diary.exists() and diary.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    assert devices._free(["a"], 1, leases) is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with leased(["a"], 1, leases) as index:
        assert index == 0


def test_devices_fill_evenly_before_they_are_shared(tmp_path):
    with (
        leased(["a", "b"], 2, tmp_path) as one,
        leased(["a", "b"], 2, tmp_path) as two,
        leased(["a", "b"], 2, tmp_path) as three,
        leased(["a", "b"], 2, tmp_path) as four,
    ):
        assert (one, two, three, four) == (0, 1, 0, 1)
        assert devices._free(["a", "b"], 2, tmp_path) is None


def gpus(monkeypatch: pytest.MonkeyPatch, count: int, visible: str | None) -> None:
    """A machine with so many GPUs, as far as the choice of one can see."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: None)
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)


@pytest.mark.parametrize(
    ("name", "count", "visible", "device"),
    [
        ("cpu", 2, None, "cpu"),
        ("auto", 0, None, "cpu"),
        ("auto", 2, None, "cuda:1"),
        ("cuda", 2, None, "cuda:1"),
        ("cuda", 1, "5", "cuda:0"),
        ("cuda", 2, "3,4", "cuda:0"),  # leased among those named
        ("cuda", 0, None, "cuda"),  # training refuses it in one sentence
        ("cuda", 0, "5", "cuda"),
    ],
)
def test_the_device_of_a_training(monkeypatch, tmp_path, name, count, visible, device):
    gpus(monkeypatch, count, visible)
    with leased(["0"], 1, tmp_path), device_for(name, 1, tmp_path) as chosen:
        assert chosen == device


def test_slots_of_the_one_gpu_that_the_user_names_are_leased(monkeypatch, tmp_path):
    gpus(monkeypatch, 1, "5")
    with device_for("cuda", 2, tmp_path) as one, device_for("auto", 2, tmp_path) as two:
        assert one == two == "cuda:0"
        assert devices._free(["5"], 2, tmp_path) is None


def test_the_one_gpu_that_slurm_has_given_is_taken_without_a_lease(monkeypatch, tmp_path):
    gpus(monkeypatch, 1, "0")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with leased(["0"], 1, tmp_path), device_for("cuda", 1, tmp_path) as chosen:
        assert chosen == "cuda:0"

"""One run at a time in a folder, and what a dead one left is found and removed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nao.folder import LOCK, Occupied, occupy, orphans, recover

HOLDER = """
import sys, time
from pathlib import Path
from nao.folder import occupy

lock = occupy(Path(sys.argv[1]))
print("taken", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def queue(tmp_path, monkeypatch):
    """A `squeue` and a `scancel` that work on a file, as SLURM's do on its state."""
    bin, state = tmp_path / "bin", tmp_path / "queue"
    bin.mkdir()
    state.touch()
    (bin / "squeue").write_text(f"#!/bin/sh\ncat '{state}'\n")
    (bin / "scancel").write_text(
        f"#!/bin/sh\nfor j; do grep -v \"^$j|\" '{state}' > '{state}.new'; "
        f"mv '{state}.new' '{state}'; done\n"
    )
    for command in bin.iterdir():
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}:{os.environ['PATH']}")
    return state


def snakemakes_lock(folder: Path) -> Path:
    lock = folder / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("results/smoke/claims.md\n")
    return lock


def test_a_second_run_is_refused_by_the_name_of_the_first(holder, tmp_path):
    lock = snakemakes_lock(tmp_path)
    for start in (occupy, recover):
        with pytest.raises(Occupied, match=rf"process {holder.pid} of \S+ on \S+, since"):
            start(tmp_path)
    assert lock.exists()


def test_a_killed_runs_lock_is_known_as_dead(holder, tmp_path):
    lock = snakemakes_lock(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    os.close(occupy(tmp_path))
    assert not lock.exists()


def test_a_lock_of_another_machine_is_not_judged_from_here(tmp_path):
    lock = snakemakes_lock(tmp_path)
    name = {"host": "login2", "process": "5", "user": "case", "since": "2026-01-01 10:00"}
    (tmp_path / LOCK).write_text(json.dumps(name))
    with pytest.raises(Occupied, match=r"process 5 of case on login2, since .*nao recover"):
        occupy(tmp_path)
    assert lock.exists()
    recover(tmp_path, lambda said: None)
    os.close(occupy(tmp_path))


def test_jobs_left_in_the_queue_are_told_and_cancelled(tmp_path, queue, monkeypatch):
    monkeypatch.setenv("LOGNAME", "case")
    queue.write_text(f"7|case|RUNNING|{tmp_path}\n8|case|PENDING|/elsewhere\n")
    with pytest.raises(Occupied, match=r"jobs 7 \(running\) of case, .*nao recover"):
        occupy(tmp_path)
    said = []
    recover(tmp_path, said.append)
    assert said[0] == "cancelling jobs 7"
    assert orphans(tmp_path) == []
    assert queue.read_text() == "8|case|PENDING|/elsewhere\n"
    os.close(occupy(tmp_path))


def test_another_users_jobs_are_left_to_them(tmp_path, queue, monkeypatch):
    monkeypatch.setenv("LOGNAME", "case")
    (tmp_path / ".snakemake").mkdir()
    queue.write_text(f"7|molly|RUNNING|{tmp_path}\n")
    with pytest.raises(Occupied, match="only molly can cancel them"):
        recover(tmp_path)
    assert queue.read_text()


def test_a_folder_where_no_run_was(tmp_path):
    with pytest.raises(Occupied, match="no run was here"):
        recover(tmp_path)

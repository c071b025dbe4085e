"""A job's log: all that was printed, by every attempt at it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOB = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from nao.provenance.observer import observed

snakemake = SimpleNamespace(
    log=["results/laptop/logs/job.log"], rule="job", scriptdir=".", input=[],
    output=["results/laptop/made.txt"], params=SimpleNamespace(job={}), wildcards={},
)
with observed(snakemake):
    print(sys.argv[1])
    if sys.argv[1] == "killed":
        sys.stdout.flush()
        os._exit(9)
    if sys.argv[1] == "failed":
        raise ValueError("it did not work")
    Path(snakemake.output[0]).write_text("made")
"""


def attempt(folder: Path, what: str) -> str:
    """Run the job as Snakemake does, which removes the log before; the log."""
    log = folder / "results" / "laptop" / "logs" / "job.log"
    log.unlink(missing_ok=True)
    subprocess.run([sys.executable, "job.py", what], cwd=folder, env={"PYTHONPATH": str(ROOT)})
    return log.read_text()


def test_a_log_keeps_what_earlier_attempts_printed(tmp_path: Path):
    (tmp_path / "job.py").write_text(JOB)
    assert attempt(tmp_path, "killed") == "killed\n"
    assert attempt(tmp_path, "failed").endswith("error: job: it did not work\n")
    again = "--- begun again at .+ UTC ---\n"
    assert re.fullmatch(
        f"killed\n{again}failed\nTraceback(.|\n)+error: job: it did not work\n{again}done\n",
        attempt(tmp_path, "done"),
    )
    assert attempt(tmp_path, "done") == "done\n"
    assert [file.name for file in (tmp_path / "results/laptop/logs").iterdir()] == ["job.log"]

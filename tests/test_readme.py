"""What README.md shows: its example runs as it stands, and the files that it names are there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from nao.config import load
from nao.plan import expand
from nao.targets import DEFAULT_FIGURES
from tests.planned import jobs_behind

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_of_the_library_runs_and_leaves_no_file(tmp_path: Path):
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    shutil.copy(ROOT / "config.yaml", tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", example]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    errors = [float(number) for number in re.findall(r"\d+\.\d+(?:e-?\d+)?", last)]
    assert len(errors) == 2
    assert all(0 < error < 10 for error in errors)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_the_files_that_it_names_are_there():
    named = re.findall(r"\]\(([\w./-]+)\)|`((?:nao|workflow|docs|envs)/[\w./-]+)`", TEXT)
    paths = {one or other for one, other in named}
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_it_says_how_many_jobs_and_trainings_there_are():
    def jobs(scale: str) -> list[str]:
        plan = expand(load(ROOT / "config.yaml", {"scale": scale}))
        wanted = (f"figures/{figure}.png" for figure in DEFAULT_FIGURES)
        return [job.rule for job in jobs_behind(plan, *wanted, "claims.md")]

    assert re.findall(r"the starts of (\d+) jobs", TEXT) == [str(len(jobs("smoke")))]
    trainings = jobs("laptop").count("train")
    assert re.findall(r"trains\s+(\d+)\s+stacks", TEXT) == [str(trainings)]

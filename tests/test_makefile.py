"""What `make` says before it installs anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    for name in ("Makefile", "pyproject.toml", "envs", "workflow/plugins/pyproject.toml"):
        source, copy = ROOT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True)
        else:
            shutil.copy2(source, copy)
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True)


def test_a_folder_with_a_blank_is_refused_in_one_sentence_before_installing(tmp_path: Path):
    done = make(tmp_path / "my clone", "figures")
    assert done.returncode != 0
    assert "has a blank in its name; move the clone to one without" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "my clone" / ".venv").exists()


@pytest.mark.parametrize("moved", [True, False])
def test_the_environment_of_a_moved_clone_is_made_anew(tmp_path: Path, moved: bool):
    clone = tmp_path / "clone"
    make(clone, "help")
    (clone / ".venv" / "bin").mkdir(parents=True)
    place = "/where/it/was/.venv" if moved else clone / ".venv"
    (clone / ".venv" / "bin" / "activate").write_text(f'VIRTUAL_ENV="{place}"\nexport X\n')
    (clone / ".venv" / "installed").touch()
    planned = make(clone, "--dry-run", "bench").stdout
    assert ("-m venv --clear .venv" in planned) == moved
    assert ("pip install" in planned) == moved


def test_help_lists_every_target(tmp_path: Path):
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = [line for line in text.splitlines() if line.startswith(".PHONY: figures")]
    said = make(tmp_path / "clone", "help").stdout
    assert {line.split()[1] for line in said.splitlines() if line.startswith("make ")} == set(
        phony.split()[1:]
    )

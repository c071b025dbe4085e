"""Two people in one folder: after one another, with the umask's modes; never at a time."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nao.provenance.schema import Git
from tests.cluster.clone import Person, shared_by
from tests.cluster.lab import Lab
from tests.cluster.training import Training
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster
ACCOUNTS, GROUP = ("games", "news"), "users"  # that every Debian has


@pytest.fixture
def people(tmp_path: Path):
    """Accounts with homes of their own, let through to this interpreter and the tests' folder."""
    python = Path(sys.executable)
    closed = {
        folder: folder.stat().st_mode
        for path in (python, python.resolve(), tmp_path / "home")
        for folder in path.parents
        if not folder.stat().st_mode & 0o001
    }
    people = [Person(name, GROUP, tmp_path / name) for name in ACCOUNTS]
    try:
        for folder, mode in closed.items():
            folder.chmod(mode | 0o011)
        for person in people:
            person.home.mkdir()
            os.chown(person.home, *ids(person))
        yield people
    finally:
        for folder, mode in closed.items():
            folder.chmod(mode)


def ids(person: Person) -> tuple[int, int]:
    asked = ["id", "--user", person.name], ["getent", "group", person.group]
    user, group = (subprocess.check_output(each, text=True) for each in asked)
    return int(user), int(group.split(":")[2])


def committed(folder: Path) -> str:
    """All of it in a repository; its commit."""
    git = ["git", "-C", str(folder), "-c", "user.name=case", "-c", "user.email=case@example.org"]
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "sources")):
        subprocess.run([*git, *words], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


def test_two_people_work_in_one_folder(lab: Lab, sources: Clone, whole, people, tmp_path: Path):
    commit = committed((clone := sources.copy(tmp_path / "clone")).folder)
    one, two = shared_by(clone, people)
    training = Training(one)
    try:
        main = one.begin(training.target)
        training.under_way(lab, 1)
        refused = two.snakemake(training.target)
        assert refused.returncode != 0
        assert re.search(
            rf"^error: another run works in this folder \(process {main.pid} of games on ",
            refused.stdout,
            re.M,
        )
        os.kill(main.pid, signal.SIGKILL)
        main.wait()
        (job,) = training.running(lab)
        refused = two.snakemake(training.target)
        told = rf"^error: SLURM's queue holds jobs {job} .*of games"
        assert re.search(told, refused.stdout, re.M)
        assert "only games can cancel them" in two.nao("recover").stderr
        assert training.running(lab) == [job]
        assert one.nao("recover").returncode == 0

        # The other goes on with it, from the first one's checkpoint.
        done = two.snakemake(f"results/smoke/runs/{training.name}/prior.parquet")
        assert done.returncode == 0, done.stdout
    finally:
        one.end()
    assert training.made() == whole
    assert len(training.record().execution.segments or []) == 2
    assert [job["UserId"].partition("(")[0] for job in training.jobs(lab)] == list(ACCOUNTS)
    git = training.record().git
    assert isinstance(git, Git)
    assert (git.commit, git.dirty) == (commit, False)
    for path in (clone.folder / "results").rglob("*"):
        wanted = 0o070 if path.is_dir() else 0o060
        assert path.stat().st_mode & wanted == wanted, path
    audit = two.nao("audit", training.target)
    assert audit.returncode == 0, audit.stdout

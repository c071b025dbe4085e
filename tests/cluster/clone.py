"""A clone whose jobs go to SLURM, as one of several people may send them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.clone import Clone

PROFILE = "workflow/profiles/slurm"
NAO = [sys.executable, "-c", "from nao.cli import app; app()"]
# As shipped, but for the patience with a cluster that has more to do.
HASTE = ("--slurm-init-seconds-before-status-checks", "3", "--max-status-checks-per-second", "1")
# A GPU is asked for and given, and the work done on the processor: there is none here.
ON_A_GPU = ("--set-resources", "train:gpu=1", "train:slurm_partition='gpu'")
WAIT = 300  # seconds, on a busy machine


@dataclass(frozen=True)
class Person:
    """An account of this machine and the group that it shares with others."""

    name: str
    group: str
    home: Path

    @property
    def options(self) -> dict:
        """Of a process of theirs, whose files the group may write."""
        return {"user": self.name, "group": self.group, "extra_groups": [], "umask": 0o002}

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name}


@dataclass(frozen=True)
class ClusterClone(Clone):
    """A clone whose jobs go to SLURM."""

    person: Person | None = None
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    def command(self, *arguments: str, config: tuple[str, ...] = ()) -> list[str]:
        command = [sys.executable, "-m", "snakemake", "--logger", "nao", "--profile", PROFILE]
        return [*command, *HASTE, *arguments, "--config", "scale=smoke", *config]

    def snakemake(
        self, *arguments: str, config: tuple[str, ...] = (), **options
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments, config=config),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=3600,
            **self._options(),
            **options,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake and go on."""
        with open(self.folder / "said.txt", "w") as said:
            # Ctrl-C is heard even where the tests run in the background.
            command = ["env", "--default-signal=INT", *self.command(*arguments)]
            process = subprocess.Popen(command, stdout=said, stderr=said, **self._options())
        self.begun.append(process)
        return process

    def said_at_end_of(self, process: subprocess.Popen) -> str:
        """What a run that was begun has said; it must have succeeded."""
        code = process.wait(WAIT)
        said = (self.folder / "said.txt").read_text()
        assert code == 0, said
        return said

    def end(self) -> None:
        """Leave no process behind when a test fails."""
        for process in self.begun:
            process.kill()
            process.wait()

    def nao(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*NAO, *arguments], capture_output=True, **self._options())

    def _options(self) -> dict:
        path = f"{self.folder}:{self.folder}/workflow/plugins"
        environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "200"}
        options = {"cwd": self.folder, "text": True}
        if self.person is None:
            return options | {"env": environment}
        return options | self.person.options | {"env": environment | self.person.environment}


def shared_by(clone: Clone, people: list[Person]) -> list[ClusterClone]:
    """The clone as each of them sees it, whose group may write all of it."""
    for path in (clone.folder, *clone.folder.rglob("*")):
        shutil.chown(path, people[0].name, people[0].group)
        mode = path.stat().st_mode
        path.chmod(mode | (0o2070 if path.is_dir() else 0o060))  # new files get the group, too
    return [ClusterClone(clone.folder, person) for person in people]

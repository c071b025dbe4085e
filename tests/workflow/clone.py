"""A copy of the project in which the real workflow runs."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "config.yaml", "profiles", "nao", "workflow", "envs", "pyproject.toml")
JOB = re.compile(r"^(?:local)?rule (\w+):$((?:\n    .*)*)", re.MULTILINE)
INPUT = re.compile(r"^    input: (.*)$", re.MULTILINE)
WILDCARDS = re.compile(r"^    wildcards: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job that Snakemake would run."""

    rule: str
    wildcards: str
    inputs: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        return f"{self.rule} {self.wildcards}".strip()


@dataclass(frozen=True)
class Clone:
    """The project in a folder of its own; everything runs at scale smoke."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "smoke"

    @classmethod
    def of_sources(cls, folder: Path) -> "Clone":
        ignored = shutil.ignore_patterns("__pycache__")
        for part in PARTS:
            source, copy = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, copy, ignore=ignored)
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy)
        return cls(folder)

    def copy(self, folder: Path) -> "Clone":
        """With results, Snakemake's memory of them, and all dates."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder)

    def snakemake(
        self, *arguments: str, config: tuple[str, ...] = (), **options
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake as a user types it; output and errors together as text."""
        command = [sys.executable, "-m", "snakemake", "-c2", *arguments]
        command += ["--config", "scale=smoke", *config]
        environment = os.environ | {
            "PYTHONPATH": "workflow/plugins",
            "COLUMNS": "200",
            "MPLBACKEND": "module://of_a_notebook",
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
            **options,
        )

    def make(self, *targets: str, **options) -> str:
        """Make the targets, and fail loudly where the workflow does."""
        done = self.snakemake(*targets, **options)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def planned(self, *targets: str, **options) -> list[Job]:
        """The jobs that would run, by a dry run; targets are left out."""
        done = self.snakemake("--dry-run", *targets, **options)
        assert done.returncode == 0, done.stdout
        jobs = []
        for rule, body in JOB.findall(done.stdout):
            wildcards, inputs = WILDCARDS.search(body), INPUT.search(body)
            if "output: " in body:
                files = frozenset(inputs[1].split(", ") if inputs else ())
                jobs.append(Job(rule, wildcards[1] if wildcards else "", files))
        return jobs

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one occurrence of a text in a source file."""
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new))

    def hashes(self, *suffixes: str) -> dict[str, str]:
        """SHA-256 of the artefacts with one of these suffixes, by path."""
        return {
            file.relative_to(self.results).as_posix(): sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.results.rglob("*"))
            if file.suffix in suffixes
        }

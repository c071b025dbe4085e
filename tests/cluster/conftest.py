"""A real SLURM for all tests here, and a local run to compare with."""

import os
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from tests.cluster.lab import Lab, Unavailable, install
from tests.workflow.clone import ROOT, Clone

PROFILE = "workflow/profiles/slurm"
TARGET = os.environ.get("NAO_CLUSTER_TARGET", "figures")  # a part of it on a busy machine: fig1
NAO = [sys.executable, "-c", "from nao.cli import app; app()"]
# As shipped, but for the patience with a cluster that has more to do.
HASTE = ("--slurm-init-seconds-before-status-checks", "3", "--max-status-checks-per-second", "1")


@dataclass(frozen=True)
class ClusterClone(Clone):
    """A clone whose jobs go to SLURM."""

    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    def command(self, *arguments: str, config: tuple[str, ...] = ()) -> list[str]:
        command = [sys.executable, "-m", "snakemake", "--logger", "nao", "--profile", PROFILE]
        return [*command, *HASTE, *arguments, "--config", "scale=smoke", *config]

    def snakemake(
        self, *arguments: str, config: tuple[str, ...] = (), **options
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments, config=config),
            cwd=self.folder,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=1500,
            **options,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake and go on."""
        with open(self.folder / "said.txt", "w") as said:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment(),
                stdout=said,
                stderr=said,
                text=True,
            )
        self.begun.append(process)
        return process

    def end(self) -> None:
        """Leave no process behind when a test fails."""
        for process in self.begun:
            process.kill()
            process.wait()

    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": "workflow/plugins", "COLUMNS": "200"}

    def nao(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*NAO, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            text=True,
            capture_output=True,
        )


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory):
    try:
        install()
    except Unavailable as reason:
        pytest.skip(f"no SLURM: {reason}")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="see envs/cluster.in")
    lab = Lab(tmp_path_factory.mktemp("slurm"))
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same figures, made on this machine: those of the working tree if they are of today."""
    there = Clone(ROOT)
    audit = [*NAO, "audit", str(there.results / "claims.md")]
    figures = [there.results / "figures" / f"{name}.png" for name in ("fig1", "fig2", "fig3")]
    if TARGET == "figures" and all(path.is_file() for path in figures):
        audit += map(str, figures)
        if not subprocess.run(audit, cwd=ROOT, capture_output=True).returncode:
            return there
    clone = Clone.of_sources(tmp_path_factory.mktemp("local") / "clone")
    clone.make(TARGET)
    return clone

"""A real SLURM for all tests here, and local runs to compare with."""

import os
import subprocess

import pytest

from nao.targets import DEFAULT_FIGURES
from tests.cluster.clone import NAO, ClusterClone
from tests.cluster.lab import Lab, install
from tests.cluster.services import Unavailable
from tests.cluster.training import Training, lengthen
from tests.workflow.clone import ROOT, Clone

TARGET = os.environ.get("NAO_CLUSTER_TARGET", "figures")  # a part of it on a busy machine: fig1


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
    figures = [there.results / "figures" / f"{name}.png" for name in DEFAULT_FIGURES]
    if TARGET == "figures" and all(path.is_file() for path in figures):
        audit += map(str, figures)
        if not subprocess.run(audit, cwd=ROOT, capture_output=True).returncode:
            return there
    clone = Clone.of_sources(tmp_path_factory.mktemp("local") / "clone")
    clone.make(TARGET)
    return clone


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """With trainings that are long enough to be interrupted."""
    clone = Clone.of_sources(tmp_path_factory.mktemp("long") / "clone")
    lengthen(clone)
    return clone


@pytest.fixture(scope="session")
def whole(sources: Clone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What such a training gives undisturbed."""
    training = Training(sources.copy(tmp_path_factory.mktemp("whole") / "clone"))
    training.clone.make(training.target)
    return training.made()


@pytest.fixture
def clone(sources: Clone, tmp_path):
    clone = ClusterClone(sources.copy(tmp_path / "clone").folder)
    yield clone
    clone.end()


@pytest.fixture
def training(clone: ClusterClone) -> Training:
    return Training(clone)

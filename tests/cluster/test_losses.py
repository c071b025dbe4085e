"""What a cluster does to a training, and to the run itself: it goes on, to the same bytes."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from nao.config import expand, load
from nao.provenance.schema import read_record, record_path
from tests.cluster.conftest import ClusterClone
from tests.cluster.lab import Lab, until
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster
STEPS = 20_000
WAIT = 300  # seconds, on a busy machine


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """With one training that is long enough to be interrupted, and its data."""
    clone = Clone.of_sources(tmp_path_factory.mktemp("losses") / "clone")
    clone.edit(
        "config.yaml",
        "training: { batch_contexts: 32, steps: 40, warmup_steps: 10 }",
        f"training: {{ batch_contexts: 32, steps: {STEPS}, warmup_steps: 10 }}",
    )
    return clone


@pytest.fixture(scope="module")
def name(sources: Clone) -> str:
    plan = expand(load(sources.folder / "config.yaml").model_copy(update={"scale": "smoke"}))
    return plan.experiments["prior"].points[0].runs["heldout"]


@pytest.fixture(scope="module")
def whole(sources: Clone, name: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the training gives undisturbed."""
    clone = sources.copy(tmp_path_factory.mktemp("whole") / "clone")
    clone.make(f"results/smoke/runs/{name}/model.safetensors")
    return trained(clone, name)


@pytest.fixture
def clone(sources: Clone, tmp_path: Path):
    clone = ClusterClone(sources.copy(tmp_path / "clone").folder)
    yield clone
    clone.end()


def trained(clone: Clone, name: str) -> dict[str, bytes]:
    folder = clone.results / "runs" / name
    return {file: (folder / file).read_bytes() for file in ("model.safetensors", "history.parquet")}


def segments(clone: Clone, name: str) -> list:
    path = Path("runs", name, "model.safetensors")
    return read_record(record_path(clone.results, path)).execution.segments


def log(clone: Clone, name: str) -> str:
    path = clone.results / "logs" / "train" / f"{name}.log"
    return path.read_text() if path.exists() else ""


def running(lab: Lab, clone: Clone, rule: str = "train") -> list[str]:
    return [
        job["JobId"]
        for job in lab.jobs()
        if job["WorkDir"] == str(clone.folder)
        and job["JobState"] == "RUNNING"
        and f"rule_{rule}" in job.get("Comment", "")
    ]


def attempt_under_way(lab: Lab, clone: Clone, name: str, attempts: int) -> str:
    """Wait until the training makes steps for the time of that number; its job."""
    until(lambda: log(clone, name).count("begun again") >= attempts - 1, WAIT, "another attempt")
    until(
        lambda: re.search(r"step \d+ of", log(clone, name).split("begun again")[-1]), WAIT, "a step"
    )
    (job,) = running(lab, clone)
    return job


def end_of(process: subprocess.Popen, clone: ClusterClone) -> str:
    code = process.wait(WAIT)
    said = (clone.folder / "said.txt").read_text()
    assert code == 0, said
    return said


def test_a_training_survives_requeueing_a_lost_node_and_the_death_of_the_run(
    lab: Lab, clone: ClusterClone, name: str, whole: dict[str, bytes]
):
    target = f"results/smoke/runs/{name}/model.safetensors"
    main = clone.begin(target)
    job = attempt_under_way(lab, clone, name, 1)
    lab.ask("scontrol", "requeue", job)
    until(lambda: lab.job(job)["JobState"] == "PENDING", WAIT, "requeueing")
    lab.start_now(job)

    job = attempt_under_way(lab, clone, name, 2)
    node = lab.job(job)["NodeList"]
    lab.crash_node(node)
    until(lambda: lab.job(job)["JobState"] == "PENDING", WAIT, "notice of the lost node")
    lab.start_node(node)
    until(lambda: lab.ask("sinfo", "-hn", node, "-o", "%T").split() == ["idle"], WAIT, "the node")
    lab.start_now(job)

    job = attempt_under_way(lab, clone, name, 3)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    again = clone.snakemake(target)
    assert again.returncode != 0
    assert re.search(rf"^error: SLURM's queue holds jobs {job} .*nao recover", again.stdout, re.M)
    recovered = clone.nao("recover")
    assert recovered.returncode == 0, recovered.stderr
    assert f"cancelling jobs {job}" in recovered.stdout
    assert running(lab, clone) == []

    end_of(clone.begin(target), clone)
    assert trained(clone, name) == whole
    assert len(segments(clone, name)) >= 3
    assert log(clone, name).count("begun again") == 3
    audit = clone.nao("audit", target)
    assert audit.returncode == 0, audit.stdout


def test_time_and_memory_grow_with_the_attempt_and_the_user_is_told_why(
    lab: Lab, clone: ClusterClone, name: str, whole: dict[str, bytes]
):
    # The first attempt has too little memory, the second too little time.
    limits = ("train:mem_mb=350 if attempt == 1 else 1200", "train:runtime=1 if attempt < 3 else 9")
    target = f"results/smoke/runs/{name}/model.safetensors"
    main = clone.begin(target, "--set-resources", *limits)
    attempt_under_way(lab, clone, name, 1)
    said = end_of(main, clone)
    assert re.search(r"failed: train .*it took more memory than it asked for", said)
    assert re.search(r"failed: train .*ended as TIMEOUT: it took longer than the time", said)
    assert trained(clone, name) == whole


def test_a_refusal_of_the_cluster_is_told_in_its_words(lab: Lab, clone: ClusterClone, name: str):
    target = f"results/smoke/runs/{name}/model.safetensors"
    done = clone.snakemake(
        target, "--retries", "0", "--set-resources", "train:slurm_partition='nowhere'"
    )
    assert done.returncode != 0
    assert re.search(
        r"^failed: train .*the cluster refused it: .*invalid partition", done.stdout, re.M
    )


def test_a_full_disk_is_told_by_name_and_mended_by_a_rerun(
    lab: Lab, clone: ClusterClone, name: str, tmp_path: Path
):
    clone.results.parent.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(clone.results.parent)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        plan = expand(load(clone.folder / "config.yaml").model_copy(update={"scale": "smoke"}))
        target = f"results/smoke/datasets/{plan.runs[name].dataset.identity}/train.parquet"
        done = clone.snakemake(target, "--retries", "0")
        assert done.returncode != 0
        assert "No space left on device" in done.stdout
        subprocess.run(["mount", "-o", "remount,size=50m", clone.results.parent], check=True)
        mended = clone.snakemake(target)
        assert mended.returncode == 0, mended.stdout
        audit = clone.nao("audit", target)
        assert audit.returncode == 0, audit.stdout
    finally:
        subprocess.run(["umount", clone.results.parent], check=True)

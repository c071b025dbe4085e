"""What a cluster does to a training, and to the run itself: it goes on, to the same bytes."""

import os
import re
import signal
import subprocess
from datetime import datetime
from itertools import pairwise

import pytest

from nao.folder import orphans
from tests.cluster.clone import ON_A_GPU, WAIT, ClusterClone
from tests.cluster.lab import Lab
from tests.cluster.services import until
from tests.cluster.training import Training, plan_of
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="session", autouse=True)
def outgrown(lab: Lab, sources: Clone, tmp_path_factory: pytest.TempPathFactory):
    """A training and its run, begun before all else here: SLURM takes its time to end it.

    The first attempt has too little memory, the second, which hangs, too little time.
    """
    clone = ClusterClone(sources.copy(tmp_path_factory.mktemp("outgrown") / "clone").folder)
    training = Training(clone)
    limits = ("train:mem_mb=350 if attempt == 1 else 1200", "train:runtime=1 if attempt < 3 else 9")
    main = clone.begin(training.target, *ON_A_GPU, *limits)
    try:
        until(lambda: len(training.jobs(lab)) == 2, WAIT, "the second attempt")
        job = training.under_way(lab, 1)
        (device,) = re.findall(r"\(IDX:(\d)\)", lab.job(job)["GRES"])
        assert training.devices() == {device}
        training.freeze()
        yield clone, main
    finally:
        clone.end()


def test_a_training_survives_requeueing_a_lost_node_and_what_ends_the_run(
    lab: Lab, clone: ClusterClone, training: Training, whole: dict[str, bytes]
):
    main = clone.begin(training.target)
    job = training.under_way(lab, 1)
    lab.ask("scontrol", "requeue", job)
    until(lambda: lab.job(job)["JobState"] == "PENDING", WAIT, "requeueing")
    lab.start_now(job)

    job = training.under_way(lab, 2)
    node = lab.job(job)["NodeList"]
    lab.crash_node(node)
    until(lambda: lab.job(job)["JobState"] == "PENDING", WAIT, "notice of the lost node")
    # It goes on elsewhere: when the lost node is back it is told to end what ran there.
    lab.start_now(job)
    job = training.under_way(lab, 3)
    assert lab.job(job)["NodeList"] != node
    lab.start_node(node)

    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    again = clone.snakemake(training.target)
    assert again.returncode != 0
    assert re.search(rf"^error: SLURM's queue holds jobs {job} .*nao recover", again.stdout, re.M)
    recovered = clone.nao("recover")
    assert recovered.returncode == 0, recovered.stderr
    assert f"cancelling jobs {job}" in recovered.stdout
    assert training.running(lab) == []

    main = clone.begin(training.target)
    job = training.under_way(lab, 4)
    main.send_signal(signal.SIGINT)
    assert main.wait(WAIT) != 0
    until(lambda: not orphans(clone.folder), WAIT, "the end of what was cancelled")
    assert lab.job(job)["JobState"] == "CANCELLED"

    clone.said_at_end_of(clone.begin(training.target))
    assert training.made() == whole
    segments = training.record().execution.segments
    assert segments
    assert len(segments) >= 4
    assert training.log().count("begun again") == 4
    audit = clone.nao("audit", training.target)
    assert audit.returncode == 0, audit.stdout
    assert_never_twice_at_a_time(training.jobs(lab), submissions=3)


def assert_never_twice_at_a_time(jobs: list[dict[str, str]], submissions: int) -> None:
    """Of what was requeued SLURM knows the last time alone; its number stays the same."""
    assert len(jobs) == submissions
    spans = sorted((job["StartTime"], job["EndTime"]) for job in jobs)
    for (_, end), (start, _) in pairwise(spans):
        assert datetime.fromisoformat(end) <= datetime.fromisoformat(start)


def test_a_refusal_of_the_cluster_is_told_in_its_words(
    lab: Lab, clone: ClusterClone, training: Training
):
    nowhere = ("--set-resources", "train:slurm_partition='nowhere'")
    done = clone.snakemake(training.target, "--retries", "0", *nowhere)
    assert done.returncode != 0
    assert re.search(
        r"^failed: train .*the cluster refused it: .*invalid partition", done.stdout, re.M
    )


def test_a_full_disk_is_told_by_name_and_mended_by_a_rerun(
    lab: Lab, clone: ClusterClone, training: Training
):
    clone.results.parent.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(clone.results.parent)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        dataset = plan_of(clone).runs[training.name].dataset.identity
        target = f"results/smoke/datasets/{dataset}/train.parquet"
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


def test_time_and_memory_grow_with_the_attempt_and_the_user_is_told_why(
    lab: Lab, outgrown: tuple[ClusterClone, subprocess.Popen[str]], whole: dict[str, bytes]
):
    clone, main = outgrown
    training = Training(clone)
    said = clone.said_at_end_of(main)
    assert re.search(r"failed: train .*it took more memory than it asked for", said)
    assert re.search(r"failed: train .*ended as TIMEOUT: it took longer than the time", said)
    assert training.made() == whole
    assert_never_twice_at_a_time(training.jobs(lab), submissions=3)

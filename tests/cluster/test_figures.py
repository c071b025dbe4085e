"""All figures through the shipped profile: the bytes of a local run, asked for as the rules say."""

import re
from datetime import datetime
from itertools import accumulate

import pytest

from nao.config import expand, load
from nao.requests import request
from tests.cluster.conftest import TARGET, ClusterClone
from tests.cluster.lab import Lab
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster
SUFFIXES = (".parquet", ".safetensors", ".png", ".md")
# A GPU is asked for and given, and the work done on the processor: there is none here.
GPUS = ("--set-resources", "train:gpu=1", "train:slurm_partition='gpu'")


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[ClusterClone, str]:
    clone = ClusterClone(Clone.of_sources(tmp_path_factory.mktemp("cluster") / "clone").folder)
    done = clone.snakemake(TARGET, *GPUS)
    assert done.returncode == 0, done.stdout
    return clone, done.stdout


def trainings(lab: Lab, clone: ClusterClone) -> dict[str, dict[str, str]]:
    """Jobs of this clone's trainings, by run."""
    found = {}
    for job in lab.jobs():
        match = re.search(r"train.*?(d\d+-n\d+[\w.-]+)", job.get("Comment", ""))
        if match and job["WorkDir"] == str(clone.folder):
            found[match[1]] = job
    return found


def test_every_artefact_has_the_bytes_of_a_local_run(run, local):
    clone, said = run
    assert clone.hashes(*SUFFIXES) == local.hashes(*SUFFIXES)
    assert re.search(r"(\d+) of \1 done, 0 running", said)
    assert " queued" in said


def test_every_record_is_verified(run):
    audit = run[0].nao("audit", "results/smoke")
    assert audit.returncode == 0, audit.stdout


def test_slurm_was_asked_for_what_the_rules_say(run, lab):
    clone, _ = run
    plan = expand(load(clone.folder / "config.yaml").model_copy(update={"scale": "smoke"}))
    jobs = trainings(lab, clone)
    assert len(jobs) > 1
    assert jobs.keys() == {
        path.parent.name for path in clone.results.glob("runs/*/history.parquet")
    }
    for name, job in jobs.items():
        asked = request(plan, "train", run=name)
        assert job["MinMemoryNode"] == f"{asked.memory}M"
        assert job["TimeLimit"] == f"00:{asked.runtime:02d}:00"
        assert job["NumCPUs"] == str(plan.compute.threads)
        assert job["JOB_GRES"] == "gpu:1"
        assert job["NodeList"] == "gpu1"


def test_short_jobs_share_jobs_of_the_cluster(run, lab):
    clone, said = run
    made = int(re.findall(r"(\d+) of \d+ done", said)[-1])
    submitted = [job for job in lab.jobs() if job["WorkDir"] == str(clone.folder)]
    others = len(submitted) - len(trainings(lab, clone))
    assert others < (made - len(trainings(lab, clone))) / 3


def test_no_more_trainings_ran_at_a_time_than_there_are_gpus(run, lab):
    moments = []
    for job in trainings(lab, run[0]).values():
        moments += [(datetime.fromisoformat(job["EndTime"]), -1)]
        moments += [(datetime.fromisoformat(job["StartTime"]), 1)]
    assert max(accumulate(change for _, change in sorted(moments))) == 2

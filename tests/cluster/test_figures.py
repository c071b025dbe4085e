"""All figures through the shipped profile: the bytes of a local run, asked for as the rules say."""

import re
import time
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from nao.requests import request
from tests.cluster.clone import ON_A_GPU, ClusterClone
from tests.cluster.conftest import TARGET
from tests.cluster.lab import Lab
from tests.cluster.services import until
from tests.cluster.training import jobs_of, plan_of
from tests.workflow.clone import JOB, WILDCARDS, Clone

pytestmark = pytest.mark.cluster
SUFFIXES = (".parquet", ".safetensors", ".png", ".md")


@pytest.fixture(scope="module")
def run(lab: Lab, devices: dict[str, str], tmp_path_factory: pytest.TempPathFactory):
    """The clone in which they were made, and what was said."""
    clone = ClusterClone(Clone.of_sources(tmp_path_factory.mktemp("cluster") / "clone").folder)
    main = clone.begin(TARGET, "--slurm-keep-successful-logs", *ON_A_GPU)

    def ended() -> bool:
        devices.update(
            (job["JobId"], index)
            for job in jobs_of(clone, lab)
            for index in re.findall(r"\(IDX:(\d)\)", job.get("GRES", ""))
        )
        time.sleep(0.5)
        return main.poll() is not None

    try:
        until(ended, 3600, "the end of the run")
        yield clone, clone.said_at_end_of(main)
    finally:
        clone.end()


@pytest.fixture(scope="module")
def devices() -> dict[str, str]:
    """The GPU that each job was given, which SLURM forgets when it ends."""
    return {}


@pytest.fixture(scope="module")
def trainings(run, lab: Lab) -> dict[str, dict[str, str]]:
    """The job of each training, of which none was submitted twice."""
    found = {}
    for job in jobs_of(run[0], lab):
        if match := re.search(r"rule_train.*?(d\d+-n\d+[\w.-]+)", job.get("Comment", "")):
            assert match[1] not in found
            found[match[1]] = job
    return found


def test_every_artefact_has_the_bytes_of_a_local_run(run, local):
    clone, said = run
    made = clone.hashes(*SUFFIXES)
    assert "figures/fig1.png" in made
    assert made.items() <= local.hashes(*SUFFIXES).items()
    assert re.search(r"(\d+) of \1 done, 0 running", said)
    assert " queued" in said


def test_every_record_is_verified(run):
    audit = run[0].nao("audit", "results/smoke")
    assert audit.returncode == 0, audit.stdout


def test_slurm_was_asked_for_what_the_rules_say(run, trainings):
    clone, plan = run[0], plan_of(run[0])
    assert len(trainings) > 1
    assert trainings.keys() == {
        path.parent.name for path in clone.results.glob("runs/*/history.parquet")
    }
    for name, job in trainings.items():
        asked = request(plan, "train", run=name)
        assert job["MinMemoryNode"] == f"{asked.memory}M"
        assert job["TimeLimit"] == f"00:{asked.runtime:02d}:00"
        assert job["NumCPUs"] == str(plan.compute.threads)
        assert job["JOB_GRES"] == "gpu:1"
        assert job["NodeList"] == "gpu1"


def test_a_group_asks_for_what_its_members_need_one_after_another(run, lab):
    clone, plan = run[0], plan_of(run[0])
    jobs = {job["JobId"]: job for job in jobs_of(clone, lab)}
    grouped = Counter()
    for log in clone.folder.glob(".snakemake/slurm_logs/group_*/**/*.log"):
        members = {}
        for rule, body in JOB.findall(log.read_text()):
            (words,) = WILDCARDS.findall(body) or [""]
            wildcards = dict(word.split("=") for word in words.split(", ") if word)
            need = request(plan, rule, **wildcards)
            assert re.search(rf"\bmem_mb={need.memory}\b", body)
            assert re.search(rf"\bruntime={need.runtime}\b", body)
            members[rule, words] = need
        job = jobs[log.stem]
        assert job["NumCPUs"] == "1"
        assert job["MinMemoryNode"] == f"{max(need.memory for need in members.values())}M"
        hours, minutes, _ = map(int, job["TimeLimit"].split(":"))
        assert 60 * hours + minutes == sum(need.runtime for need in members.values())
        grouped.update(rule for rule, _ in members)
    assert grouped["evaluate_run"] == sum(1 for _ in clone.results.glob("runs/*/scores.parquet"))


def test_short_jobs_share_jobs_of_the_cluster(run, trainings, lab):
    clone, said = run
    made = int(re.findall(r"(\d+) of \d+ done", said)[-1])
    others = len(jobs_of(clone, lab)) - len(trainings)
    assert others < (made - len(trainings)) / 3


def test_a_gpu_belonged_to_one_training_at_a_time(trainings, devices):
    spans = defaultdict(list)
    for job in trainings.values():
        spans[devices[job["JobId"]]].append((job["StartTime"], job["EndTime"]))
    assert spans.keys() == {"0", "1"}
    for each in spans.values():
        for (_, end), (start, _) in pairwise(sorted(each)):
            assert datetime.fromisoformat(end) <= datetime.fromisoformat(start)

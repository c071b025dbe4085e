"""Requests follow from the size of the work, and reach what was recorded."""

import json
import math
from collections import defaultdict
from pathlib import Path
from statistics import median

import pytest
import yaml

from nao.bench.steps import LAPTOP, PAPER, Shape, counted_flops, training_step
from nao.config import Compute, load
from nao.jobs import RULES, Job, planned, scoring
from nao.models import weights
from nao.plan import Plan, expand
from nao.requests import (
    ATTEMPTS,
    BATCH,
    CLUSTERING,
    ENGINE,
    REQUESTS,
    START,
    Request,
    as_markdown,
    request,
    training_products,
    training_seconds,
)
from nao.specs import DatasetSpec, RunSpec
from nao.training import clusters

CPU = pytest.importorskip("torch").device("cpu")


def plan(scale: str) -> Plan:
    return expand(load("config.yaml").model_copy(update={"scale": scale}))


@pytest.mark.parametrize(
    "shape", [LAPTOP, PAPER, Shape(n=12, d=60, layers=3, d_k=4, batch=9, members=2)]
)
def test_flops_are_those_that_torch_counts(shape):
    spec = shape.spec
    one = spec.model_copy(update={"training": spec.training.model_copy(update={"steps": 1})})
    forms = ("layers", "gram", "keys")  # the same products, of which the cheapest are taken
    counted = min(counted_flops(training_step(shape, CPU, form)) for form in forms)
    assert training_products(one) == pytest.approx(counted, rel=0.15)


def learner(scale: str, name: str) -> RunSpec:
    """Its run at the base point."""
    laid_out = plan(scale)
    return laid_out.runs[laid_out.experiments["prior"].points[0].runs[name]]


# Timed on one core by the difference of two short trainings, with two thousand contexts.
@pytest.mark.parametrize(
    ("scale", "name", "milliseconds"),
    [("workstation", "paper", 5.1), ("workstation", "heldout", 19.3)],
)
def test_steps_at_larger_scales_are_near_those_timed(scale, name, milliseconds):
    spec = learner(scale, name)
    seconds = training_seconds(spec, "cpu") / spec.training.steps
    assert seconds == pytest.approx(milliseconds / 1000, rel=0.4)


@pytest.fixture(scope="module")
def gallery() -> tuple[Plan, list[dict]]:
    """The plan of the published run as far as requests ask it, and a record of each of its jobs."""
    read = [
        json.loads(path.read_text()) for path in Path("results/gallery/records").rglob("*.json")
    ]
    records = list({each["id"]: each for each in read}.values())

    def specs(rule: str, wildcard: str, kind: type) -> dict:
        return {
            each["wildcards"][wildcard]: kind.model_validate(each["params"]["spec"])
            for each in records
            if each["rule"] == rule
        }

    made = {"datasets": specs("make_dataset", "dataset", DatasetSpec)}
    made |= {"runs": specs("train", "run", RunSpec)}
    return plan("laptop").model_copy(update=made), records


def test_trainings_took_what_the_arithmetic_says(gallery):
    laid_out, records = gallery
    ratios = []
    for record in records:
        if record["rule"] == "train":
            spec = laid_out.runs[record["wildcards"]["run"]]
            said, took = training_seconds(spec, "cpu"), record["execution"]["cpu_seconds"]
            assert said + 3 > took / 1.5, record["wildcards"]
            if spec.model.kind == "transformer":
                ratios.append(said / took)
                assert said < 1.5 * took, record["wildcards"]
    assert len(ratios) > 50
    assert median(ratios) == pytest.approx(1, abs=0.2)


def test_requests_cover_what_was_recorded_and_little_more(gallery):
    laid_out, records = gallery
    peaks = defaultdict(list)
    for record in records:
        asked = request(laid_out, record["rule"], **record["wildcards"])
        took = record["execution"]
        assert asked.runtime * 60 - START >= 1.5 * took["cpu_seconds"], record["wildcards"]
        peaks[record["rule"]].append((asked.memory - ENGINE, took["peak_memory"] / 1e6))
    for rule, pairs in peaks.items():
        assert all(asked >= peak for asked, peak in pairs), rule
        assert max(asked for asked, _ in pairs) <= 1.8 * max(peak for _, peak in pairs), rule


def jobs(plan: Plan) -> dict[str, dict[str, str]]:
    """A job of each rule at the base point."""
    base = plan.experiments["prior"].points[0]
    of_run = {"run": base.runs["heldout"]}
    return {
        "make_dataset": {"dataset": base.dataset},
        "train": of_run,
        "evaluate_run": of_run,
        "extract_prior": of_run,
        "evaluate_baseline": {"dataset": base.dataset, "estimator": "two_stage_ridge"},
        "tabulate_experiment": {"experiment": "noise"},
        "tabulate_moments": {"experiment": "prior"},
        "draw_figure": {"figure": "fig1"},
        "judge_claims": {"claims": "claims"},
    }


def test_requests_grow_with_the_scale_and_with_the_attempt_within_bounds():
    for rule in jobs(plan("smoke")):
        asked = [request(each, rule, **jobs(each)[rule]) for each in map(plan, ("smoke", "paper"))]
        assert asked[0].memory <= asked[1].memory
        assert asked[0].runtime <= asked[1].runtime
    first = Request(memory=900, runtime=4)
    assert [first.at(attempt) for attempt in (1, 2)] == [first, Request(1800, 8)]
    assert first.at(ATTEMPTS) == first.at(ATTEMPTS + 5)


def test_a_training_on_the_processor_is_given_its_longer_time():
    paper = plan("paper")
    gpu_time, cpu_time = (
        request(each, "train", **jobs(each)["train"]).runtime
        for device in ("cuda", "cpu")
        for each in [paper.model_copy(update={"compute": Compute(device=device)})]
    )
    seconds = training_seconds(paper.runs[jobs(paper)["train"]["run"]], "cpu")
    assert cpu_time * 60 > seconds > gpu_time * 60
    assert math.isfinite(gpu_time)


def asked_for(plan: Plan) -> list[Job]:
    """Every job that an experiment or a figure asks for, each once, and some that none does."""
    scored = [job for name in plan.experiments for job in scoring(plan, name)]
    others = [job for job in planned(plan) if job.rule not in {each.rule for each in scored}]
    return list({(job.rule, *job.wildcards.values()): job for job in scored + others}.values())


def connected(jobs: list[Job]) -> list[list[Job]]:
    """Those that read what others of them make, together: a group's components."""
    made = {path for job in jobs for path in job.outputs.values()}
    parts: list[tuple[set[str], list[Job]]] = []
    for job in jobs:
        touched = made.intersection([*job.outputs.values(), *job.reads])
        joined = [part for part in parts if part[0] & touched]
        parts = [part for part in parts if not part[0] & touched]
        paths = touched.union(*(part[0] for part in joined))
        parts.append((paths, [job, *(each for part in joined for each in part[1])]))
    return [members for _, members in parts]


@pytest.mark.parametrize("scale", load("config.yaml").scales)
def test_no_group_on_slurm_asks_for_more_than_a_day(scale):
    profile = yaml.safe_load(Path("workflow/profiles/slurm/profile.yaml").read_text())
    laid_out, groups = plan(scale), defaultdict(list)
    for job in asked_for(laid_out):
        if name := profile["groups"].get(job.rule):
            groups[name, name.format(**job.wildcards)].append(job)
    for (name, _), members in groups.items():
        minutes = sorted(
            sum(request(laid_out, job.rule, **job.wildcards).runtime for job in part)
            for part in connected(members)
        )
        # whichever of its components Snakemake puts together
        assert sum(minutes[-profile["group-components"].get(name, 1) :]) <= 24 * 60


def test_sizes_are_reckoned_by_what_jobs_do():
    """They stand twice, since planning loads no torch."""
    assert (BATCH, CLUSTERING) == (weights.EVALUATION_BATCH, clusters.ITERATIONS)


def test_every_rule_has_a_request_and_all_but_trainings_a_group_on_slurm():
    assert REQUESTS.keys() == RULES.keys()
    profile = yaml.safe_load(Path("workflow/profiles/slurm/profile.yaml").read_text())
    assert profile["groups"].keys() == RULES.keys() - {"train"}
    assert profile["group-components"].keys() <= set(profile["groups"].values())


def test_the_table_in_the_documentation_is_of_today():
    text = Path("docs/cluster.md").read_text()
    table = text.partition("<!-- nao requests -->\n")[2].partition("\n<!-- end -->")[0]
    assert table == as_markdown(load("config.yaml")), "put what `nao requests` prints there"

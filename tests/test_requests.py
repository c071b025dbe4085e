"""Requests follow from the size of the work, and reach what was recorded."""

import math
from pathlib import Path

import pytest
import yaml

from nao.bench.steps import LAPTOP, PAPER, Shape, counted_flops, training_step
from nao.config import Compute, Plan, expand, load
from nao.jobs import RULES
from nao.requests import (
    ATTEMPTS,
    REQUESTS,
    Request,
    as_markdown,
    request,
    training_products,
    training_seconds,
)
from nao.specs import RunSpec
from tests.laws import problem_values

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


def run(dimension: int, context_length: int, **changes) -> RunSpec:
    values = {
        "dataset": {
            "problem": problem_values(dimension),
            "context_length": context_length,
            "train_contexts": 10000,
            "test_contexts": 1000,
            "replicates": 1,
            "seed": 1,
        },
        "model": {"kind": "transformer", "layers": 7, "codes": {}},
        "training": {
            "batch_contexts": 64,
            "steps": 5000,
            "learning_rate": 0.002,
            "warmup_steps": 200,
            "seed": 1,
        },
    }
    for part, change in changes.items():
        values[part] |= change
    return RunSpec.model_validate(values)


@pytest.mark.parametrize(
    ("spec", "recorded"),
    [
        (run(100, 50), 449),
        (run(40, 20, training={"steps": 12000, "batch_contexts": 128}), 242),
        (run(20, 10, dataset={"replicates": 3}, training={"steps": 3000}), 42),
    ],
)
def test_times_are_near_those_recorded(spec, recorded):
    assert training_seconds(spec, "cpu") == pytest.approx(recorded, rel=0.2)


# Peaks in MB of the work alone, recorded in jobs of scale laptop.
RECORDED = {
    "train": 630,
    "evaluate_run": 406,
    "draw_figure": 321,
    "judge_claims": 258,
    "evaluate_baseline": 248,
    "extract_prior": 187,
    "make_dataset": 171,
    "tabulate_experiment": 159,
}


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


@pytest.mark.parametrize("rule", RECORDED)
def test_a_request_covers_the_recorded_peak_and_the_engine_and_little_more(rule):
    laptop = plan("laptop")
    memory = request(laptop, rule, **jobs(laptop)[rule]).memory
    assert RECORDED[rule] + 380 <= memory <= 1.5 * (RECORDED[rule] + 380)


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


def test_every_rule_has_a_request_and_all_but_trainings_a_group_on_slurm():
    assert REQUESTS.keys() == RULES.keys()
    profile = yaml.safe_load(Path("workflow/profiles/slurm/profile.yaml").read_text())
    assert profile["groups"].keys() == RULES.keys() - {"train"}
    assert profile["group-components"].keys() <= set(profile["groups"].values())


def test_the_table_in_the_documentation_is_of_today():
    text = Path("docs/cluster.md").read_text()
    table = text.partition("<!-- nao requests -->\n")[2].partition("\n<!-- end -->")[0]
    assert table == as_markdown(load("config.yaml")), "put what `nao requests` prints there"

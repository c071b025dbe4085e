"""What each rule makes, reads and is given."""

import subprocess
import sys

import pytest

from nao.config import load
from nao.jobs import RULES, Job, UnknownRule, planned, scoring
from nao.plan import Plan, expand
from tests.evaluated import CONFIG


@pytest.fixture(scope="module")
def plan() -> Plan:
    return expand(load(CONFIG))


def jobs_of(plan: Plan, rule: str) -> list[Job]:
    """Every planned job of a rule."""
    return [job for job in planned(plan) if job.rule == rule]


@pytest.mark.parametrize("rule", RULES)
def test_what_a_job_reads_is_made_by_another(rule: str, plan: Plan):
    made = {path for name in RULES for job in jobs_of(plan, name) for path in job.outputs.values()}
    for job in jobs_of(plan, rule):
        assert made.issuperset(job.reads)


def test_no_two_rules_make_the_same_file(plan: Plan):
    made = [path for name in RULES for job in jobs_of(plan, name) for path in job.outputs.values()]
    assert len(made) == len(set(made))


def test_an_estimator_gets_what_it_needs_and_no_more(plan: Plan):
    dataset = next(iter(plan.datasets))

    def roles(estimator: str) -> set[str]:
        return set(
            Job(plan, "evaluate_baseline", dict(dataset=dataset, estimator=estimator)).inputs
        )

    assert roles("ridge") == {"test"}
    assert roles("two_stage_ridge") == {"test", "train"}
    assert roles("oracle_ridge") == {"test", "truth"}


def test_a_training_never_reads_a_truth_or_a_test(plan: Plan):
    for job in jobs_of(plan, "train"):
        assert job.reads == [
            f"datasets/{plan.runs[job.wildcards['run']].dataset.identity}/train.parquet"
        ]


def test_params_are_the_specifications_as_json(plan: Plan):
    for job in jobs_of(plan, "train"):
        assert job.params == {"spec": plan.runs[job.wildcards["run"]].model_dump(mode="json")}


def test_learners_come_in_the_order_of_the_configuration(plan: Plan):
    learners = Job(plan, "draw_figure", {"figure": "recipe"}).params["learners"]
    assert isinstance(learners, dict)
    assert list(learners) == [name for name in plan.learners if name in learners]
    assert list(learners) != sorted(learners)


def test_out_of_distribution_learners_are_scored_on_what_they_were_trained_on_too(plan: Plan):
    for name, experiment in plan.experiments.items():
        memorised = {
            job.wildcards["run"]
            for job in scoring(plan, name)
            if job.rule == "evaluate_run_memorised"
        }
        runs = {run for point in experiment.points for run in point.runs.values()}
        assert memorised == (runs if name.startswith("shifted_") else set())


def test_out_of_distribution_all_is_fitted_at_the_base_point(plan: Plan):
    base = plan.experiments["prior"].points[0].dataset
    for name in (each for each in plan.experiments if each.startswith("shifted_")):
        tested = {point.dataset for point in plan.experiments[name].points}
        jobs = [job for job in scoring(plan, name) if job.rule != "evaluate_run_memorised"]
        for job in jobs:
            spec = plan.runs[job.wildcards["run"]].dataset if "run" in job.wildcards else None
            assert (spec.identity if spec else job.wildcards["dataset"]) == base
        assert {job.wildcards.get("elsewhere", base) for job in jobs} == tested | {base}


def test_what_is_not_planned_is_refused(plan: Plan):
    with pytest.raises(KeyError, match="run = 'other' is not planned"):
        Job(plan, "train", {"run": "other"})
    with pytest.raises(UnknownRule, match="no rule paint of figure"):
        Job(plan, "paint", {"figure": "fig1"})
    with pytest.raises(UnknownRule, match="no rule train of figure"):
        Job(plan, "train", {"figure": "fig1"})


def test_asking_needs_neither_torch_nor_matplotlib_nor_pandas():
    program = (
        "import sys, nao.jobs\n"
        "print([m for m in ('torch', 'matplotlib', 'pandas', 'snakemake') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr

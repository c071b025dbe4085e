"""Small tables of every figure, from real contexts and estimators, without a training.

In the place of a trained run stands an estimator that learns from the same training contexts:
empirical Bayes for `heldout` and `supervised`, debiased two-stage ridge for `misfit`. So the tables
have the plan's shape and real numbers, with a spread over replicates.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from nao.analysis.evaluation import Estimates, score_estimates, score_theory
from nao.analysis.examples import tabulate_examples
from nao.analysis.mechanism import describe, prior_span, tabulate_layers
from nao.analysis.recovery import tabulate_recovered
from nao.analysis.tables import MEMORISED, SYMMETRISED, tabulate, tabulate_priors
from nao.config import load
from nao.estimators.estimator import Answer
from nao.estimators.table import ESTIMATORS
from nao.figures.style import Looks, looks_of
from nao.jobs import out_of_distribution
from nao.models.probe import codes_of, probe
from nao.models.transformer import Transformer
from nao.models.weights import build
from nao.plan import Plan, expand
from nao.seeding import stream
from nao.specs import RunSpec
from nao.tasks.datasets import draw_blocks
from nao.tasks.problems import Contexts, Problem, draw_problem
from tests.laws import problem_values

SWEPT = {
    "contexts": [100, 200],
    "noise": [0.1, 0.3],
    "task_dimension": [1, 5],
    "condition": [1.0, 10.0],
    "context_length": [4, 6],
    "shifted_noise": [0.1, 0.3],
    "shifted_condition": [1.0, 10.0],
    "shifted_task_dimension": [1, 5],
    "shifted_subspace": [0, 45],
    "depth": [2, 3],
    "operators": [40],
    "digits": [8, 16],
    "priors": [40],
    "experts": [16, 32],
    "noise_laws": [40],
    "noise_spread": [40],
    "ablations": [20, 40],
    "training_length": [20, 40],
    "recipe_layers": [2, 3],
    "recipe_learning_rate": [0.004, 0.008],
    "recipe_norm_rate": [50, 150],
    "recipe_code": [2.0, 20.0],
    "recipe_code_share": [0.25, 1.0],
    "recipe_batch": [16, 32],
}
DATASET = {
    "problem": problem_values(8, rank=1),
    "context_length": 4,
    "train_contexts": 200,
    "test_contexts": 100,
    "replicates": 2,
}
CONFIG = Path(__file__).parents[1] / "config.yaml"
STAND_INS = {
    "r2r": "empirical_bayes",
    "sure": "empirical_bayes",
    "misfit": "two_stage_ridge_debiased",
    "heldout": "empirical_bayes",
    "supervised": "empirical_bayes",
}
ELSEWHERE = {"operator": "two_stage_ridge", "empirical": "gaussian_em"}
"""Stand-ins for the rows and the prior for which those of `STAND_INS` are not made."""


@cache
def smoke_plan() -> Plan:
    """All experiments as `config.yaml` has them, at scale smoke but over the values given here."""
    values = yaml.safe_load(CONFIG.read_text())
    kept = ("prior", *SWEPT, "recipe_variants")
    experiments = {name: values["experiments"][name] for name in kept}
    laws = experiments["priors"]["settings"]
    experiments["priors"]["settings"] = {
        name: laws[name] for name in ("gaussian", "uniform", "mixture4")
    }
    smoke = values["scales"]["smoke"] | {"values": SWEPT}
    smoke["base"]["dataset"] |= DATASET
    return expand(
        load(values | {"scale": "smoke", "experiments": experiments, "scales": {"smoke": smoke}})
    )


@cache
def smoke_tables() -> dict[str, pd.DataFrame]:
    """Every experiment table by name, those of examples, of moments and of the mechanism."""
    plan = smoke_plan()
    tables = {
        name: tabulate(name, experiment, plan.datasets, reader(name))
        for name, experiment in plan.experiments.items()
    }
    prior = tabulate_priors("prior", plan.experiments["prior"], plan.runs, read_prior)
    transformers = {name: run for name, run in plan.runs.items() if run.model.kind == "transformer"}
    name = "training_length"
    layers = tabulate_layers(name, plan.experiments[name], transformers, read_layers)
    examples = {
        f"{name}_examples": tabulate_examples(
            name,
            plan.experiments[name],
            plan.datasets,
            lambda dataset: (problem(dataset), contexts(dataset, "test")),
            read_estimates,
        )
        for name in ("operators", "digits")
    }
    return tables | examples | {"prior_moments": prior, "training_length_mechanism": layers}


@cache
def smoke_looks() -> Looks:
    """The look of every estimator of the plan."""
    return looks_of(smoke_plan().learners)


def read_scores(estimator: str, source: str, elsewhere: str | None = None) -> pd.DataFrame:
    """What a scores file would hold."""
    run = smoke_plan().runs.get(source)
    fitted = run.dataset.identity if run else source
    tested = elsewhere or fitted
    test = contexts(tested, "test")
    sigma = problem(tested).design_covariance
    if run is None:
        found = estimate(estimator, fitted, tested)
        scores = score_estimates(found, test, estimator, design_covariance=sigma)
        told = list(answers(estimator, fitted, tested).values())
        reasons = [answer.reason for answer in told for _ in range(len(scores) // len(told))]
        scores = scores.assign(reason=pd.array(reasons, dtype="string"))
        if estimator == "oracle_ridge" and not elsewhere:
            scores = pd.concat([scores, score_theory(problem(source), test, estimator)])
        return scores
    layers = getattr(run.model, "layers", None)
    labels = run.learner, run.model.kind, run.training.objective, layers
    found = {"": estimate(stand_in(run), fitted, tested)}
    if run.model.kind != "mixture_of_ridges":  # the others have no posterior
        found[""] = replace(found[""], variance=None)
    if run.model.kind == "transformer" and not elsewhere:
        linear = ELSEWHERE.get(run.dataset.problem.prior.kind, "empirical_bayes")
        averaged = estimate(linear, fitted, fitted)
        found[SYMMETRISED] = replace(averaged, variance=None)
    return pd.concat(
        [score_estimates(each, test, *labels, prefix, sigma) for prefix, each in found.items()],
        ignore_index=True,
    )


def read_estimates(estimator: str, source: str) -> Estimates:
    """What an estimates file would hold."""
    if (run := smoke_plan().runs.get(source)) is None:
        return estimate(estimator, source, source)
    dataset = run.dataset.identity
    return estimate(stand_in(run), dataset, dataset)


def stand_in(run: RunSpec) -> str:
    """The estimator in the place of a trained run."""
    problem = run.dataset.problem
    other = ELSEWHERE.get(problem.design.kind) or ELSEWHERE.get(problem.prior.kind)
    return other or STAND_INS[run.training.objective]


def reader(experiment: str) -> Callable[..., pd.DataFrame]:
    """What reads the scores of an experiment: out of distribution with those of the training."""
    if not out_of_distribution(smoke_plan(), experiment):
        return read_scores

    def read(estimator: str, source: str, elsewhere: str | None = None) -> pd.DataFrame:
        scores = [read_scores(estimator, source, elsewhere)]
        if source in smoke_plan().runs and not elsewhere:
            scores.append(read_memorised(source))
        return pd.concat(scores, ignore_index=True)

    return read


def read_memorised(run: str) -> pd.DataFrame:
    """What a scores file would hold of the contexts of a run's training."""
    spec = smoke_plan().runs[run]
    labels = (
        spec.learner,
        spec.model.kind,
        spec.training.objective,
        getattr(spec.model, "layers", None),
    )
    trained, scores = ESTIMATORS[stand_in(spec)], []
    for replicate in spec.dataset.members:
        seen = contexts(spec.dataset.identity, "train", replicate)
        found = Estimates(trained.attempt(seen, seen).w_hat[None], (replicate,))
        scores.append(score_estimates(found, seen, *labels, MEMORISED))
    return pd.concat(scores, ignore_index=True)


def read_prior(run: str) -> pd.DataFrame:
    """What the prior file of a run would hold."""
    spec = smoke_plan().runs[run]
    dataset = spec.dataset.identity
    estimates = estimate(stand_in(spec), dataset, dataset)
    return tabulate_recovered(estimates, contexts(dataset, "test").x, problem(dataset))


def read_layers(run: str) -> pd.DataFrame:
    """What would be described of a run's layers, of the network as it is before its training."""
    spec = smoke_plan().runs[run]
    model, truth = build(spec, "torch"), problem(spec.dataset.identity)
    assert isinstance(model, Transformer)
    model.initialise([stream(spec.training.seed, "init", r) for r in spec.dataset.members])
    test = contexts(spec.dataset.identity, "test")
    probed, codes = probe(model, test, prior_span(truth)), codes_of(model)
    found = {} if codes is None else {"initial_angle": codes, "angle": codes}
    members = tuple(spec.dataset.members)
    return describe(probed.estimates, probed.shares, found, members, truth, test)


@cache
def estimate(estimator: str, dataset: str, tested: str) -> Estimates:
    """Estimates on test contexts, once or for each replicate of the contexts fitted to."""
    found = answers(estimator, dataset, tested)
    known = [answer.variance for answer in found.values() if answer.variance is not None]
    variance = np.stack(known) if known else None
    return Estimates(np.stack([each.w_hat for each in found.values()]), tuple(found), variance)


@cache
def answers(estimator: str, dataset: str, tested: str) -> dict[int | None, Answer]:
    """What an estimator says of test contexts, by replicate."""
    test, chosen = contexts(tested, "test"), ESTIMATORS[estimator]
    if not chosen.needs_training:
        return {None: chosen.attempt(test, truth=problem(dataset))}
    replicates = smoke_plan().datasets[dataset].members
    return {each: chosen.attempt(test, contexts(dataset, "train", each)) for each in replicates}


@cache
def contexts(dataset: str, role: str, replicate: int = 0) -> Contexts:
    """The contexts that the data set would hold."""
    spec = smoke_plan().datasets[dataset]
    drawn = [block for block, _ in draw_blocks(problem(dataset), spec, role, replicate)]
    return Contexts(*(np.concatenate([getattr(block, name) for block in drawn]) for name in "xyw"))


@cache
def problem(dataset: str) -> Problem:
    """The truth behind a data set."""
    spec = smoke_plan().datasets[dataset]
    return draw_problem(spec.problem, spec.seed)

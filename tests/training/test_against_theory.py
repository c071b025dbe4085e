"""What `train` finds, against what is known of the best: one layer's optimum, and the oracle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nao.models.weights import estimate
from nao.seeding import stream
from nao.specs import RunSpec
from nao.tasks.datasets import read_truth, write_dataset
from nao.tasks.problems import Problem, draw_problem, sample_contexts
from nao.theory.one_step import Step, best_step, one_step_risk
from nao.theory.posterior import bayes_risk, risk_floor
from nao.training.train import Trained, train
from tests.laws import problem_spec, problem_values

D, N = 8, 4
CASES = {
    "two directions": {"mean_norm": 0.0},
    "a prior mean": {"mean_norm": 2.0},
    "full rank": {"mean_norm": 0.0, "rank": D},
    "conditioned": {"mean_norm": 0.0, "condition": 10.0},
}


@dataclass(frozen=True)
class Found:
    """A finished training and the truth behind its contexts."""

    trained: Trained
    truth: Problem


def trained(folder: Path, problem: dict, model: dict, recipe: dict, contexts: int) -> Found:
    spec = RunSpec.model_validate(
        {
            "dataset": {
                "problem": problem_values(D, **problem),
                "context_length": N,
                "train_contexts": contexts,
                "test_contexts": 2,
                "replicates": 1,
                "seed": 1,
            },
            "model": model,
            "training": {"objective": "heldout", "warmup_steps": 50, "seed": 1} | recipe,
        }
    )
    paths = [folder / f"{role}.parquet" for role in ("train", "test", "truth")]
    write_dataset(spec.dataset, *paths)
    return Found(train(spec, paths[0]), read_truth(paths[2]))


@pytest.fixture(scope="module", params=CASES)
def one_layer(request, tmp_path_factory) -> Found:
    recipe = {"batch_contexts": 256, "steps": 1000, "learning_rate": 0.02}
    model = {"kind": "unrolled_gradient", "layers": 1}
    return trained(tmp_path_factory.mktemp("data"), CASES[request.param], model, recipe, 20_000)


def learned_step(found: Found) -> Step:
    """The one layer of the unrolled gradient as theory names it."""
    weights = found.trained.model.state_dict()
    start, preconditioners = (weights[name][0].double() for name in ("start", "preconditioners"))
    return Step(start.numpy(), preconditioners[0].numpy())


def test_one_layer_finds_the_best_step(one_layer):
    best = one_step_risk(one_layer.truth, N, best_step(one_layer.truth, N))
    reached = one_step_risk(one_layer.truth, N, learned_step(one_layer))
    assert 1 <= reached / best < 1.005


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in distribution", "out of it"])
def test_the_learned_risk_is_that_of_its_weights(one_layer, elsewhere):
    others = problem_spec(D, rank=3, noise_std=0.5, condition=5.0)  # all four laws are other ones
    tested = draw_problem(others, seed=2) if elsewhere else one_layer.truth
    fresh = sample_contexts(tested, N, 100_000, stream(1, "fresh"), np.float32)
    squares = np.sum((estimate(one_layer.trained.model, fresh)[0] - fresh.w) ** 2, axis=1)
    error = squares.std() / np.sqrt(len(squares))
    exact = one_step_risk(tested, N, learned_step(one_layer))
    assert abs(squares.mean() - exact) < 4 * error
    assert error < 0.02 * exact


@pytest.mark.parametrize("objective", ["heldout", "supervised"])
def test_a_transformer_is_never_better_than_the_oracle(tmp_path, objective):
    model = {"kind": "transformer", "layers": 3, "codes": {}, "initial_gain": 0.2}
    recipe = {"batch_contexts": 64, "steps": 400, "learning_rate": 0.002, "norm_rate": 400}
    recipe |= {"objective": objective, "beta2": 0.99, "gradient_clip": 0.3}
    found = trained(tmp_path, {"rank": 1}, model, recipe, 5000)
    fresh = sample_contexts(found.truth, N, 20_000, stream(1, "fresh"), np.float32)
    squares = np.sum((estimate(found.trained.model, fresh)[0] - fresh.w) ** 2, axis=1)
    excess = squares - bayes_risk(found.truth, fresh.x)
    assert excess.mean() > -4 * excess.std() / np.sqrt(len(excess))
    assert squares.mean() > risk_floor(found.truth, fresh.x, 1e-6)
    # It has learned enough for that to be no idle statement.
    prior = np.trace(found.truth.prior_covariance)
    assert squares.mean() < 0.2 * prior

"""The estimated noise level against the true one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.seeding import stream
from nao.specs import ProblemSpec, RunSpec
from nao.tasks.problems import Contexts, draw_problem, sample_contexts
from nao.training.noise import CONTEXTS, noise_std
from nao.training.objectives import OBJECTIVES
from tests.laws import problem_values

D, N, RANK, COUNT = 12, 6, 2, 800


@pytest.mark.parametrize("sigma", [0.03, 0.3, 1.0])
@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_it_is_found_without_the_truth(sigma, noise):
    """Within four standard errors, 1 / sqrt(2 (n − r) n_s) of it for Gaussian noise."""
    spec = ProblemSpec.model_validate(problem_values(D, RANK, sigma, noise=noise))
    problem = draw_problem(spec, 0)
    found = noise_std(sample_contexts(problem, N, COUNT, stream(0, "train", 0)))
    error = sigma / np.sqrt(2 * (N - RANK) * COUNT)
    assert abs(found - sigma) < 4 * error


def values(contexts: int, n: int, d: int, objective: str) -> dict[str, Any]:
    return {
        "dataset": {
            "problem": problem_values(d, rank=1),
            "context_length": n,
            "train_contexts": contexts,
            "test_contexts": 2,
            "replicates": 1,
            "seed": 0,
        },
        "model": {"kind": "transformer", "layers": 2},
        "training": {
            "objective": objective,
            "batch_contexts": 2,
            "steps": 2,
            "learning_rate": 0.01,
            "warmup_steps": 0,
            "seed": 0,
        },
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_contexts_too_few_to_tell_it_are_refused_where_it_is_needed(objective):
    few, enough = values(8, 3, 8, objective), values(9, 3, 8, objective)
    if OBJECTIVES[objective].sees == "noise":
        told = (
            r"context_length = 3 leave n_s \(n - 1\) = 16 .* than 2 d = 16 .*; raise train_contexts"
        )
        with pytest.raises(ValueError, match=told):
            RunSpec.model_validate(few)
    else:
        RunSpec.model_validate(few)
    RunSpec.model_validate(enough)


@settings(max_examples=40)
@given(st.data(), st.integers(3, 8), st.sampled_from([1e-12, 0.1, 1e12]))
def test_contexts_that_are_accepted_tell_it(data, d, sigma):
    n = data.draw(st.integers(2, d - 1))
    rank, least = data.draw(st.integers(1, d)), 2 * d // (n - 1) + 1
    problem = draw_problem(ProblemSpec.model_validate(problem_values(d, rank, sigma)), 0)
    draws = stream(data.draw(st.integers(0, 99)), "train", 0)
    found = noise_std(sample_contexts(problem, n, data.draw(st.integers(least, least + 12)), draws))
    assert np.isfinite(found)
    assert found > 0


def test_it_looks_at_a_bounded_number_of_contexts():
    spec = ProblemSpec.model_validate(problem_values(4, 1, 0.2))
    seen = sample_contexts(draw_problem(spec, 0), 3, CONTEXTS + 5, stream(0, "train", 0))
    first = Contexts(seen.x[:CONTEXTS], seen.y[:CONTEXTS])
    assert noise_std(seen) == noise_std(first)

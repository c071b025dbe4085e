"""The estimated noise level against the true one."""

import numpy as np
import pytest

from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import Contexts, draw_problem, sample_contexts
from nao.training.noise import CONTEXTS, noise_std
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


def test_it_looks_at_a_bounded_number_of_contexts():
    spec = ProblemSpec.model_validate(problem_values(4, 1, 0.2))
    seen = sample_contexts(draw_problem(spec, 0), 3, CONTEXTS + 5, stream(0, "train", 0))
    first = Contexts(seen.x[:CONTEXTS], seen.y[:CONTEXTS])
    assert noise_std(seen) == noise_std(first)

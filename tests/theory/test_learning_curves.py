"""The learning curve of one layer: published tables, its limits, and least squares at finite d."""

import numpy as np
import pytest

from nao.seeding import stream
from nao.tasks.problems import Problem, draw_problem, sample_contexts
from nao.theory.learning_curves import one_layer_risk
from nao.theory.one_step import Step, best_step, one_step_risk
from tests.laws import problem_spec

NOISE_VARIANCE = 0.01


def spectrum(d: int, rank: int) -> np.ndarray:
    """Equal variances of sum 1."""
    return np.where(np.arange(d) < rank, 1 / rank, 0.0)


def problem(d: int, rank: int, seed: int = 0) -> Problem:
    spec = problem_spec(
        d,
        rank=rank,
        noise_std=NOISE_VARIANCE**0.5,
        mean_norm=0,
        variance_max=1 / rank,
        variance_min=1 / rank,
    )
    return draw_problem(spec, seed)


@pytest.mark.parametrize(
    ("share", "risks"),
    [
        (0.1, (0.428, 0.412, 0.730, 0.880, 0.524, 0.346, 0.227, 0.194, 0.174, 0.168)),
        (0.25, (0.791, 0.848, 1.454, 1.718, 1.027, 0.681, 0.451, 0.385, 0.347, 0.336)),
        (0.5, (1.008, 1.222, 2.156, 2.552, 1.528, 1.015, 0.673, 0.576, 0.519, 0.503)),
        (1.0, (1.144, 1.513, 2.788, 3.384, 2.027, 1.348, 0.895, 0.766, 0.691, 0.669)),
    ],
)
def test_tabulated_risks(share, risks):
    d = 400
    ours = [
        one_layer_risk(spectrum(d, round(share * d)), d // 2, tau * d**2, NOISE_VARIANCE)
        for tau in (0.25, 0.5, 0.75, 1.25, 1.5, 2, 4, 8, 32, 1e9)
    ]
    np.testing.assert_allclose(ours, risks, atol=1.1e-3)


@pytest.mark.parametrize("tau", [0.2, 0.85, 1.15, 2.0])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 10.0])
def test_full_rank_is_the_closed_form_for_isotropic_tasks(alpha, tau):
    """Lu et al., PNAS 2025: their error for more tasks than contexts, κ → ∞."""
    d, rho = 100, 0.04
    x = (1 + rho) / alpha
    m, mu = 1 / (x + 1), x / (x + 1)
    if tau < 1:
        error = tau * (1 + x) / (1 - tau) * (1 - tau * (1 - mu) ** 2 - (x - rho) / x * mu)
        error += -2 * tau * (1 - mu) + rho + 1
    else:
        error = (1 - 1 / (tau - 1)) * (1 + x) * (x * m) ** 2
        error += (3 - 2 * tau) / (tau - 1) * m * x**2
        error += ((1 + rho) / (tau - 1) * m + 1) * x + rho * m / (tau - 1) + rho
    ours = one_layer_risk(np.full(d, 1 / d), round(alpha * d), tau * d**2, rho)
    np.testing.assert_allclose(ours + rho, error, rtol=1e-6)


@pytest.mark.parametrize("rank", [40, 400])
def test_unlimited_contexts_reach_the_best_step(rank):
    d = 400
    truth = problem(d, rank)
    best = one_step_risk(truth, d // 2, best_step(truth, d // 2))
    limit = one_layer_risk(spectrum(d, rank), d // 2, 1e9 * d**2, NOISE_VARIANCE)
    np.testing.assert_allclose(limit, best, rtol=10 / d)


def least_squares_risk(d: int, tau: float, seed: int) -> float:
    """The exact risk of P fitted to one held-out row a context, at α = 1/2 and r_w = d/2."""
    truth, n = problem(d, d // 2, seed), d // 2
    drawn = sample_contexts(truth, n + 1, round(tau * d**2), stream(seed, "contexts"))
    x, y, row = drawn.x[:, :n], drawn.y[:, :n], drawn.x[:, n]
    gradient = np.einsum("bnd,bn->bd", x, y) / n
    features = (row[:, :, None] * gradient[:, None, :]).reshape(len(row), -1)
    found = np.linalg.solve(features.T @ features, features.T @ drawn.y[:, n]).reshape(d, d)
    return one_step_risk(truth, n, Step(np.zeros(d), found))


@pytest.mark.parametrize(("d", "seeds"), [(16, 20), (32, 3)])
def test_least_squares_meets_the_curve_up_to_a_share_of_1_over_d(d, seeds):
    asymptotic = one_layer_risk(spectrum(d, d // 2), d // 2, 4 * d**2, NOISE_VARIANCE)
    ratios = np.array([least_squares_risk(d, 4, seed) for seed in range(seeds)]) / asymptotic
    error = ratios.std(ddof=1) / np.sqrt(seeds)
    assert abs((ratios.mean() - 1) * d - 2.5) < 0.4 + 4 * error * d
    assert error < 0.4 / d


def test_more_contexts_are_no_help_next_to_as_many_as_unknowns():
    d = 100
    curve = [one_layer_risk(spectrum(d, 50), 50, tau * d**2, 0.01) for tau in (0.5, 0.99, 1, 1.01)]
    assert curve[0] < curve[1] < curve[2] == np.inf > curve[3]


@pytest.mark.parametrize(("n", "contexts"), [(0, 10), (5, 0)])
def test_no_data_are_refused(n, contexts):
    with pytest.raises(ValueError, match="give positive numbers"):
        one_layer_risk(spectrum(10, 2), n, contexts, 0.01)

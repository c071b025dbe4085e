"""The best polynomial against gradient descent, one exact step, the oracle and tabulated ratios."""

import numpy as np
import pytest
from scipy.optimize import minimize

from nao.seeding import stream
from nao.tasks.problems import Problem, draw_problem, sample_contexts
from nao.theory.depth import polynomial_risk
from nao.theory.one_step import best_step, one_step_risk
from nao.theory.posterior import bayes_risk
from tests.laws import problem_spec


def problem(rank: int, **changes) -> Problem:
    spec = {"dimension": rank, "rank": rank, "variance_max": 1.5, "variance_min": 1.5}
    return draw_problem(problem_spec(**(spec | changes)), 1)


def designs(truth: Problem, n: int, count: int) -> np.ndarray:
    return sample_contexts(truth, n, count, stream(0, "designs", n)).x


def descent_risk(lengths: np.ndarray, truth: Problem, x: np.ndarray) -> float:
    """Mean risk of gradient steps of these lengths in span(U), from w_0, one design at a time."""
    total, n = 0.0, x.shape[1]
    for z in x @ truth.prior_basis:
        s = z.T @ z / n
        left, gained = np.eye(len(s)), np.zeros((len(s), n))  # v̂ = v − left v + gained ε
        for length in lengths:
            left, gained = left - length * s @ left, gained + length * (z.T / n - s @ gained)
        total += np.trace(left @ np.diag(truth.prior_variances) @ left.T)
        total += truth.noise_std**2 * np.sum(gained**2)
    return total / len(x)


def test_is_what_the_best_step_lengths_reach():
    truth = problem(3, dimension=5, variance_max=4, noise_std=0.5, condition=3)
    x = designs(truth, 6, 40)
    for steps in (1, 2, 3):
        start = 1 / np.linspace(0.5, 2, steps)
        found = minimize(descent_risk, start, (truth, x), method="Nelder-Mead", tol=1e-10)
        # Complex roots of the polynomial's 1 − s q(s) are open to it and not to real steps.
        assert polynomial_risk(truth, x, steps) <= found.fun * (1 + 1e-8)
        if steps < 3:
            np.testing.assert_allclose(polynomial_risk(truth, x, steps), found.fun, rtol=1e-5)


def test_one_step_is_the_exact_optimum_for_equal_variances():
    truth = problem(3)
    mean = polynomial_risk(truth, designs(truth, 10, 40_000), 1)
    np.testing.assert_allclose(mean, one_step_risk(truth, 10, best_step(truth, 10)), rtol=0.01)


def test_falls_with_depth_to_the_oracles_risk():
    truth = problem(2)
    x = designs(truth, 20, 500)
    risks = [polynomial_risk(truth, x, steps) for steps in range(1, 20)]
    assert np.all(np.diff(risks) < 0)
    oracle = bayes_risk(truth, x).mean()
    assert oracle < risks[-1] < 1.0001 * oracle


@pytest.mark.parametrize(
    ("n", "rank", "ratios"),
    [
        (10, 2, {1: 15.6, 2: 9.29, 3: 6.25}),
        (20, 2, {1: 18.2, 2: 8.19, 3: 4.19, 4: 2.45, 6: 1.25, 8: 1.038}),
        (50, 2, {1: 20.0, 2: 5.98, 3: 2.27, 4: 1.26, 5: 1.047, 6: 1.008}),
        (20, 8, {1: 22.6, 2: 14.6, 4: 7.3}),
        (50, 20, {1: 35.9, 2: 22.2, 4: 9.7, 8: 2.4}),
    ],
)
def test_tabulated_ratios_to_the_oracle(n, rank, ratios):
    truth = problem(rank)
    x = designs(truth, n, 40_000 // rank)
    oracle = bayes_risk(truth, x).mean()
    for steps, ratio in ratios.items():
        reached = np.sqrt(polynomial_risk(truth, x, steps) / oracle)
        # Rare designs weigh much, so that either number is as good as its sample of them
        assert abs(reached / ratio - 1) < 0.05, steps


def test_no_steps_are_refused():
    truth = problem(2)
    with pytest.raises(ValueError, match="needs L ≥ 1"):
        polynomial_risk(truth, designs(truth, 5, 3), 0)

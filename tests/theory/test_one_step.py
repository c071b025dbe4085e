"""One preconditioned step against simulation, and against every other step."""

import numpy as np
import pytest

from nao.seeding import stream
from nao.tasks.problems import Problem, draw_problem, sample_contexts
from nao.theory.one_step import Step, best_step, gradient_moment, one_step_risk
from tests.laws import problem_spec

N, D = 4, 6


def problem(**changes) -> Problem:
    spec = {"dimension": D, "noise_std": 0.5, "condition": 5}
    return draw_problem(problem_spec(**(spec | changes)), 3)


def arbitrary_step() -> Step:
    rng = stream(0, "step")
    return Step(rng.standard_normal(D), 0.3 * np.eye(D) + 0.1 * rng.standard_normal((D, D)))


@pytest.mark.parametrize("laws", [{}, {"law": "uniform", "noise": "laplace"}])
def test_risk_of_any_step_against_simulation(laws):
    truth, step = problem(**laws), arbitrary_step()
    drawn = sample_contexts(truth, N, 100_000, stream(0, "contexts"))
    residual = drawn.y - drawn.x @ step.start
    gradient = np.einsum("bnd,bn->bd", drawn.x, residual) / N
    assert drawn.w is not None
    squares = np.sum((step.start + gradient @ step.preconditioner.T - drawn.w) ** 2, axis=1)
    error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - one_step_risk(truth, N, step)) < 4 * error
    assert error < 0.01 * squares.mean()

    away = truth.prior_mean - step.start
    exact = gradient_moment(truth, N, truth.prior_covariance + np.outer(away, away))
    products = gradient[:, :, None] * gradient[:, None, :]
    errors = products.std(0) / np.sqrt(len(products))
    assert np.all(np.abs(products.mean(0) - exact) < 5 * errors)


@pytest.mark.parametrize("changes", [{}, {"rank": D}, {"condition": 1}])
def test_no_step_near_the_best_is_better(changes):
    truth = problem(**changes)
    best = best_step(truth, N)
    least = one_step_risk(truth, N, best)
    explained = best.preconditioner @ truth.design_covariance @ truth.prior_covariance
    np.testing.assert_allclose(least, np.trace(truth.prior_covariance) - np.trace(explained))
    rng = stream(0, "nearby")
    for _ in range(20):
        away = Step(
            best.start + 0.01 * rng.standard_normal(D),
            best.preconditioner + 0.01 * rng.standard_normal((D, D)),
        )
        assert one_step_risk(truth, N, away) > least


def test_the_base_point_of_scale_workstation():
    truth = draw_problem(problem_spec(40), 0)
    np.testing.assert_allclose(one_step_risk(truth, 20, best_step(truth, 20)), 0.3896, atol=5e-5)


def test_many_rows_leave_the_noise_alone():
    truth = problem(rank=D)
    n = 10**6
    risk = one_step_risk(truth, n, best_step(truth, n))
    assert 0 < risk < 1e-3
    step = best_step(truth, n)
    inverse = np.linalg.inv(truth.design_covariance)
    np.testing.assert_allclose(step.preconditioner, inverse, atol=1e-4 * np.abs(inverse).max())


def test_a_step_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match="give shapes"):
        one_step_risk(problem(), N, Step(np.zeros(D - 1), np.eye(D - 1)))

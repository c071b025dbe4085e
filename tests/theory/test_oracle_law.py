"""The averaged risk against exact means over designs, closed forms, and tabulated numbers."""

import numpy as np
import pytest

from nao.seeding import stream
from nao.tasks.problems import Problem, draw_problem, sample_contexts
from nao.theory.oracle_law import inverse_wishart_risk, marchenko_pastur_risk, oracle_law
from nao.theory.posterior import bayes_risk
from tests.laws import problem_spec


def problem(rank: int, dimension: int = 0, **changes) -> Problem:
    """Σ_w = 1.5 I unless told otherwise, with no directions beside the task's own."""
    spec = {"dimension": dimension or rank, "rank": rank, "variance_max": 1.5, "variance_min": 1.5}
    return draw_problem(problem_spec(**(spec | changes)), 1)


def averaged(truth: Problem, n: int, count: int) -> tuple[float, float]:
    """Mean Bayes risk over random designs, and its standard error."""
    x = sample_contexts(truth, n, count, stream(0, "designs", n, truth.task_dimension)).x
    risk = bayes_risk(truth, x)
    return float(risk.mean()), float(risk.std() / np.sqrt(count))


@pytest.mark.parametrize("condition", [1.0, 20.0])
def test_inverse_wishart_law_at_little_noise(condition):
    truth = problem(2, 6, noise_std=1e-3, condition=condition, variance_max=3)
    mean, error = averaged(truth, 12, 20_000)
    law = inverse_wishart_risk(truth, 12)
    assert abs(mean - law) < 4 * error + 1e-4 * law
    if condition == 1:
        np.testing.assert_allclose(law, 1e-6 * 2 / 9)


@pytest.mark.parametrize(("n", "rmse"), [(20, 0.0343), (50, 0.0206)])
def test_inverse_wishart_law_gives_the_oracles_measured_error(n, rmse):
    assert round(np.sqrt(inverse_wishart_risk(problem(2), n)), 4) == rmse


def test_inverse_wishart_law_needs_rows():
    with pytest.raises(ValueError, match="give 7 or more"):
        inverse_wishart_risk(problem(5), 6)


@pytest.mark.parametrize(
    ("rank", "rmse"), [(10, 0.0500), (25, 0.100), (45, 0.298), (50, 0.928), (60, 3.879)]
)
def test_marchenko_pastur_form_of_equal_variances(rank, rmse):
    c, z = rank / 50, 0.01 / (50 * 1.5)
    m = (-(1 - c + z) + np.sqrt((1 - c + z) ** 2 + 4 * c * z)) / (2 * c * z)
    risk = marchenko_pastur_risk(problem(rank), 50)
    np.testing.assert_allclose(risk, 0.01 / 50 * rank * m, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(risk), rmse, rtol=1e-3, atol=6e-5)


@pytest.mark.parametrize(("rank", "n"), [(8, 40), (60, 40)])
def test_marchenko_pastur_form_of_any_variances_and_designs(rank, n):
    truth = problem(rank, rank + 10, condition=10, variance_max=9, noise_std=0.5)
    mean, error = averaged(truth, n, 1000)
    # its own error is of order 1/n
    assert abs(marchenko_pastur_risk(truth, n) - mean) < 4 * error + mean / n


def test_without_noise_what_rows_see_costs_nothing():
    truth = problem(6, noise_std=0.0)
    assert oracle_law(truth, 9) == 0
    np.testing.assert_allclose(oracle_law(truth, 4), 1.5 * 2)  # r_w − n directions are unseen


@pytest.mark.parametrize("noise", [0.03, 0.1, 1.0])
@pytest.mark.parametrize(
    ("rank", "within"),
    [(1, 0.01), (2, 0.01), (4, 0.01), (7, 0.05), (10, 0.18), (11, 0.05), (14, 0.02)],
)
def test_oracle_law_at_ten_rows(rank, within, noise):
    truth = problem(rank, noise_std=noise)
    mean, error = averaged(truth, 10, 20_000)
    exact, law = np.sqrt(mean), np.sqrt(oracle_law(truth, 10))
    assert abs(law / exact - 1) < within + 4 * error / (2 * mean)


@pytest.mark.parametrize(("rank", "n"), [(2, 20), (4, 7), (1, 4)])
def test_oracle_law_becomes_the_inverse_wishart_law(rank, n):
    quiet = problem(rank, noise_std=1e-4)
    np.testing.assert_allclose(oracle_law(quiet, n), inverse_wishart_risk(quiet, n), rtol=1e-6)

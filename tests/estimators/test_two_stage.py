import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators.estimator import NotComputable
from nao.estimators.ridge import ridge, ridge_penalty
from nao.estimators.two_stage import debiased_moments, fit_prior, fit_prior_debiased
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import Contexts, draw_problem, sample_contexts


def test_the_literal_prior_is_the_moments_of_ridge_less_the_floor(draw):
    _, contexts = draw(500, 4)
    prior = fit_prior(contexts)
    w_hat = ridge(contexts.x, contexts.y)
    values = np.linalg.eigvalsh(np.cov(w_hat.T))[::-1]
    np.testing.assert_allclose(prior.mean, w_hat.mean(0))
    np.testing.assert_allclose(prior.noise_floor, values[2:].mean())
    np.testing.assert_allclose(prior.variances, values[:2] - values[2:].mean())
    np.testing.assert_allclose(prior.basis.T @ prior.basis, np.eye(2), atol=1e-12)


def test_the_literal_prior_is_inconsistent_and_the_debiased_one_is_not(draw):
    problem, contexts = draw(20_000, 4, mean_norm=3)
    literal = fit_prior(contexts)
    debiased = fit_prior_debiased(contexts)
    # ridge shrinks at least as much as the interpolant, whose mean is (n/d) w_0 = w_0 / 2
    shrinkage = literal.mean @ problem.prior_mean / np.sum(problem.prior_mean**2)
    assert shrinkage < 0.52
    # Rows explain w_0 up to the spread of <x, w>, about sqrt(3), over 20 000 × 4 rows in d = 8
    # dimensions (the rows of a context share w, at most n-fold less information).
    np.testing.assert_allclose(debiased.mean, problem.prior_mean, atol=4 * np.sqrt(3 / 20_000))
    np.testing.assert_allclose(debiased.covariance, problem.prior_covariance, atol=0.12)
    assert np.abs(literal.covariance - problem.prior_covariance).max() > 0.5


def test_the_debiased_prior_is_consistent_for_an_ill_conditioned_design(draw):
    problem, contexts = draw(40_000, 4, condition=10)
    prior = fit_prior_debiased(contexts)
    error = np.linalg.norm(prior.covariance - problem.prior_covariance)
    assert prior.basis.shape[1] == 2
    assert error < 0.1 * np.linalg.norm(problem.prior_covariance)


@pytest.mark.parametrize("n", [2, 6])
def test_without_noise_the_whole_second_moment_is_unbiased(draw, n):
    problem, contexts = draw(40_000, n, noise_std=0)
    moment = debiased_moments(contexts.x, contexts.y).moment
    np.testing.assert_allclose(moment, problem.prior_covariance, atol=0.1)
    np.testing.assert_allclose(np.trace(moment), np.sum(problem.prior_variances), rtol=0.03)


@pytest.mark.parametrize("n", [1, 3, 7, 8, 12])
def test_the_debiased_prior_serves_any_number_of_rows(draw, n):
    problem, contexts = draw(24_000 // n, n)
    prior = fit_prior_debiased(contexts)
    assert rmse(prior.covariance, problem.prior_covariance) < 0.15
    np.testing.assert_allclose(prior.basis.T @ prior.basis, np.eye(2), atol=1e-12)


def test_stage_two_solves_its_penalised_least_squares(draw):
    _, contexts = draw(300, 5, noise_std=0.5)
    prior = fit_prior(contexts)
    x, y = contexts.x[:10], contexts.y[:10]
    penalties = ridge_penalty(x @ prior.loading, y - x @ prior.mean)
    for x_j, y_j, penalty, w_hat in zip(
        x, y, penalties, prior.estimate(Contexts(x, y)), strict=True
    ):
        z = x_j @ prior.basis
        system = z.T @ z + 5 * penalty * np.diag(1 / prior.variances)
        v = np.linalg.solve(system, z.T @ (y_j - x_j @ prior.mean))
        np.testing.assert_allclose(w_hat, prior.mean + prior.basis @ v, rtol=1e-7)


def test_each_stage_earns_its_keep(draw):
    _, training = draw(1000, 5, dimension=12)
    _, test = draw(500, 5, role="test", dimension=12)
    errors = [
        rmse(ridge(test.x, test.y), test.w),
        rmse(fit_prior(training).estimate(test), test.w),
        rmse(fit_prior_debiased(training).estimate(test), test.w),
    ]
    assert errors[0] > 1.5 * errors[1] > 1.5**2 * errors[2]


def test_too_few_contexts_are_refused_with_the_bound(draw):
    _, contexts = draw(1, 5)
    with pytest.raises(
        NotComputable, match=r"1 training contexts.* at least 2; raise train_contexts"
    ):
        fit_prior(contexts)
    with pytest.raises(NotComputable, match=r"at least d = 8 rows; raise train_contexts"):
        fit_prior_debiased(contexts)


def of_operator(operator: str, dimension: int, count: int, length: int, role: str = "train"):
    values = {
        "dimension": dimension,
        "design": {"kind": "operator", "operator": operator},
        "prior": {"rank": 2, "basis": "cosines"},
        "noise": {"ratio": 0.05},
    }
    problem = draw_problem(ProblemSpec.model_validate(values), 0)
    return problem, sample_contexts(problem, length, count, stream(0, role), role=role)


def test_debiased_moments_are_refused_where_rows_are_dependent_or_blind(draw):
    _, dependent = of_operator("aggregation", 12, 3000, 6)
    with pytest.raises(NotComputable, match=r"two rows of a context are .* use two_stage_ridge"):
        fit_prior_debiased(dependent)
    _, blind = of_operator("integral", 40, 500, 20)
    with pytest.raises(NotComputable, match=r"further apart than 1e\+08.* use empirical_bayes"):
        fit_prior_debiased(blind)
    for condition in (1, 100):
        _, sound = draw(3000, 6, dimension=12, condition=condition)
        fit_prior_debiased(sound)

from dataclasses import replace

import numpy as np
import pytest

from nao.estimators.oracle import oracle_ridge
from nao.seeding import stream
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts
from nao.theory.posterior import (
    bayes_risk,
    covariance_correction,
    posterior_covariance,
    risk_bound,
    risk_floor,
    risk_scaling,
)
from tests.laws import problem_spec


def problem(**changes) -> Problem:
    return draw_problem(problem_spec(6, **({"noise_std": 0.5} | changes)), 2)


def covariance(truth: Problem, x: np.ndarray) -> np.ndarray:
    basis, variances = truth.prior_basis, truth.prior_variances
    return basis @ posterior_covariance(basis, variances, truth.noise_std, x) @ basis.T


@pytest.mark.parametrize("rank", [1, 2, 6])
@pytest.mark.parametrize("n", [1, 4, 9])
def test_posterior_covariance_against_conditioning_the_joint_gaussian(rank, n):
    truth = problem(rank=rank, condition=4)
    x = sample_contexts(truth, n, 10, stream(0, "designs")).x
    prior = truth.prior_covariance
    for x_j, ours in zip(x, covariance(truth, x), strict=True):
        marginal = x_j @ prior @ x_j.T + truth.noise_std**2 * np.eye(n)
        dense = prior - prior @ x_j.T @ np.linalg.solve(marginal, x_j @ prior)
        np.testing.assert_allclose(ours, dense, atol=1e-12)
        np.testing.assert_allclose(bayes_risk(truth, x_j[None])[0], np.trace(dense))


@pytest.mark.parametrize(("rank", "n"), [(2, 4), (6, 3)])
def test_without_noise_what_the_rows_see_is_known(rank, n):
    truth = problem(rank=rank, noise_std=0)
    x = sample_contexts(truth, n, 5, stream(0, "designs")).x
    for x_j, ours in zip(x, covariance(truth, x), strict=True):
        np.testing.assert_allclose(x_j @ ours, 0, atol=1e-9)
        assert np.linalg.matrix_rank(ours, tol=1e-9, hermitian=True) == max(rank - n, 0)


def test_the_conditional_risk_is_the_oracles_error_on_that_design():
    truth = problem()
    contexts = sample_contexts(truth, 4, 1, stream(0, "design"))
    draws = sample_contexts(truth, 4, 40_000, stream(0, "noise and weights"))
    x = np.broadcast_to(contexts.x, draws.x.shape)
    assert draws.w is not None
    # the same weights and noise, seen through the one design
    y = draws.y + np.einsum("bnd,bd->bn", x - draws.x, draws.w)
    squares = np.sum((oracle_ridge(truth).estimate(Contexts(x, y)) - draws.w) ** 2, axis=1)
    error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - bayes_risk(truth, contexts.x)[0]) < 4 * error


@pytest.mark.parametrize("rank", [1, 2, 5, 6])
def test_the_bound_lies_above_the_risk_of_every_design(rank):
    truth = problem(rank=rank, condition=10)
    x = sample_contexts(truth, 5, 200, stream(0, "designs")).x
    bound, risk = risk_bound(truth, x), bayes_risk(truth, x)
    assert np.all(risk <= bound)
    assert np.all(np.isinf(bound)) == (rank > 5)
    # and is attained in the limit of little noise when r_w = 1, where b n = ZᵀZ
    if rank == 1:
        quiet = replace(truth, noise=replace(truth.noise, centre=1e-6))
        np.testing.assert_allclose(bayes_risk(quiet, x), risk_bound(quiet, x), rtol=1e-3)


def test_the_bound_is_its_formula():
    truth = problem()
    x = sample_contexts(truth, 5, 3, stream(0, "designs")).x
    z = x @ truth.prior_basis
    smallest = [np.linalg.svd(z_j, compute_uv=False)[-1] ** 2 / 5 for z_j in z]
    np.testing.assert_allclose(risk_bound(truth, x), 0.25 * 2 / (5 * np.array(smallest)))


def test_the_scaling_is_the_rate_of_the_risk():
    truth = problem(noise_std=0.01)
    n, count = 40, 4000
    x = sample_contexts(truth, n, count, stream(0, "designs")).x
    risk = bayes_risk(truth, x)
    # With vanishing noise the risk is σ² tr (ZᵀZ)⁻¹, whose mean is σ² r / (n − r − 1).
    expected = risk_scaling(truth, n) * n / (n - 2 - 1)
    assert abs(risk.mean() - expected) < 4 * risk.std() / np.sqrt(count) + 1e-3 * expected
    stretched = problem(condition=20)
    np.testing.assert_allclose(risk_scaling(stretched, n), 20 * risk_scaling(problem(), n))


@pytest.mark.parametrize("rank", [2, 6])
def test_moments_of_the_oracles_outputs(rank):
    truth = problem(rank=rank, noise_std=1.0)
    count = 40_000
    contexts = sample_contexts(truth, 4, count, stream(0, "moments"))
    w_hat = oracle_ridge(truth).estimate(contexts)
    correction = covariance_correction(
        truth.prior_basis, truth.prior_variances, truth.noise_std, contexts.x
    )
    # Entries of ŵ have variance below 2, their products below 3 · 2²: five standard errors
    np.testing.assert_allclose(w_hat.mean(0), truth.prior_mean, atol=5 * np.sqrt(2 / count))
    tolerance = 5 * np.sqrt(12 / count)
    np.testing.assert_allclose(np.cov(w_hat.T) + correction, truth.prior_covariance, atol=tolerance)
    assert np.abs(correction).max() > 1.5 * tolerance  # the test would notice its absence


@pytest.mark.parametrize("rank", [1, 3])
def test_no_sum_of_errors_is_below_the_floor_more_often_than_it_says(rank):
    """The oracle's own, and those of an estimator beside it, over many redraws of w and noise."""
    truth = problem(rank=rank)
    count = 60
    x = sample_contexts(truth, 5, count, stream(0, "designs")).x
    redraws, rng = 10_000, stream(0, "redraws")
    factors = np.linalg.cholesky(
        posterior_covariance(truth.prior_basis, truth.prior_variances, truth.noise_std, x)
    )
    errors = np.einsum("jrk,bjk->bjr", factors, rng.standard_normal((redraws, count, rank)))
    squares = [np.sum((errors - off) ** 2, (1, 2)) / count for off in (0, 0.1)]
    for chance in (0.3, 0.03, 1e-3):
        below = [np.mean(each < risk_floor(truth, x, chance)) for each in squares]
        assert below[1] <= below[0] <= chance
    # and it is no idle number: where it allows three in ten, one in a hundred are seen
    assert np.mean(squares[0] < risk_floor(truth, x, 0.3)) > 0.01


def test_the_floor_nears_the_risk_as_contexts_grow():
    truth = problem()
    shares = []
    for count in (10, 1000, 100_000):
        x = sample_contexts(truth, 5, count, stream(0, "designs")).x
        shares.append(risk_floor(truth, x, 1e-6) / bayes_risk(truth, x).mean())
    assert 0 < shares[0] < 0.1 < shares[1] < 0.9 < shares[2] < 1


def test_other_laws_have_no_floor():
    truth = problem(law="uniform")
    x = sample_contexts(truth, 5, 3, stream(0, "designs")).x
    with pytest.raises(ValueError, match="Gaussian laws alone"):
        risk_floor(truth, x, 0.01)

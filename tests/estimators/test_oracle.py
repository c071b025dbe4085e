from dataclasses import replace

import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators.oracle import GaussianModel, oracle_ridge


def conditioned(problem, x, y):
    """E[w | Y] by conditioning the joint Gaussian of (w, Y), dense."""
    covariance = problem.prior_covariance
    cross = covariance @ x.T
    marginal = x @ cross + problem.noise_std**2 * np.eye(len(x))
    return problem.prior_mean + cross @ np.linalg.solve(marginal, y - x @ problem.prior_mean)


def pseudo_inverse_form(problem, x, y):
    """(XᵀX + σ² Σ_w†)† Xᵀ(Y − Xw_0) + w_0, as the slides write it."""
    inverse = np.linalg.pinv(problem.prior_covariance, hermitian=True, rcond=1e-10)
    system = x.T @ x + problem.noise_std**2 * inverse
    residual = x.T @ (y - x @ problem.prior_mean)
    return problem.prior_mean + np.linalg.pinv(system, hermitian=True, rcond=1e-10) @ residual


@pytest.mark.parametrize("rank", [1, 2, 5, 8])
@pytest.mark.parametrize("n", [1, 5, 7, 12])
def test_against_conditioning_of_the_joint_gaussian(draw, rank, n):
    problem, contexts = draw(20, n, rank=rank, condition=10)
    dense = [conditioned(problem, *pair) for pair in zip(contexts.x, contexts.y, strict=True)]
    np.testing.assert_allclose(oracle_ridge(problem).estimate(contexts), dense, atol=1e-9)


def test_full_rank_agrees_with_the_dense_posterior_and_with_the_slides(draw):
    problem, contexts = draw(20, 5, rank=8)
    w_hat = oracle_ridge(problem).estimate(contexts)
    inverse, precision = np.linalg.inv(problem.prior_covariance), 1 / problem.noise_std**2
    for x, y, ours in zip(contexts.x, contexts.y, w_hat, strict=True):
        right = precision * x.T @ y + inverse @ problem.prior_mean
        posterior = np.linalg.solve(precision * x.T @ x + inverse, right)
        np.testing.assert_allclose(ours, posterior, atol=1e-9)
        np.testing.assert_allclose(ours, pseudo_inverse_form(problem, x, y), atol=1e-9)


def test_low_rank_differs_from_the_pseudo_inverse_form_which_fits_the_noise(draw):
    problem, contexts = draw(200, 5, noise_std=0.5)  # n = 5 < d − r_w = 6
    pairs = zip(contexts.x, contexts.y, strict=True)
    slides = np.stack([pseudo_inverse_form(problem, *pair) for pair in pairs])
    ours = oracle_ridge(problem).estimate(contexts)
    deviation = ours - problem.prior_mean
    basis = problem.prior_basis
    np.testing.assert_allclose(deviation, deviation @ basis @ basis.T, atol=1e-12)
    interpolated = np.einsum("bnd,bd->bn", contexts.x, slides)
    np.testing.assert_allclose(interpolated, contexts.y, atol=1e-6)
    assert rmse(slides, contexts.w) > 2 * rmse(ours, contexts.w)


@pytest.mark.parametrize("rank", [2, 8])
def test_no_noise_is_the_limit_of_little_noise(draw, rank):
    problem, contexts = draw(20, 5, rank=rank, noise_std=1e-6)
    exact = oracle_ridge(replace(problem, noise=replace(problem.noise, centre=0.0))).estimate(
        contexts
    )
    np.testing.assert_allclose(oracle_ridge(problem).estimate(contexts), exact, atol=1e-4)


def test_a_loading_is_only_defined_up_to_rotation(draw):
    problem, contexts = draw(20, 5)
    loading = problem.prior_basis * np.sqrt(problem.prior_variances)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    rotated = GaussianModel(problem.prior_mean, loading @ turn, 0.01).estimate(contexts)
    np.testing.assert_allclose(rotated, oracle_ridge(problem).estimate(contexts), atol=1e-10)

"""Estimators as one would write them for a single context, by scikit-learn and SciPy, in a loop."""

import numpy as np
from jaxtyping import Float
from scipy import linalg
from sklearn.linear_model import RidgeCV

from nao.analysis.prior import spectral_rank
from nao.estimators.empirical_bayes import ITERATIONS, TOLERANCE, MixedModel
from nao.estimators.two_stage import EstimatedPrior, debiased_moments
from nao.tasks.problems import Problem

Designs = Float[np.ndarray, "batch n d"]
Responses = Float[np.ndarray, "batch n"]
Estimates = Float[np.ndarray, "batch d"]


def ridge_cv(x: Designs, y: Responses, penalties: int) -> Estimates:
    """scikit-learn's RidgeCV on a grid of that many penalties."""
    alphas = x.shape[2] * np.logspace(-8, 4, penalties)
    return np.stack(
        [
            np.asarray(RidgeCV(alphas, fit_intercept=False).fit(design, response).coef_)
            for design, response in zip(x, y, strict=True)
        ]
    )


def ridge_svd(x: Designs, y: Responses, penalties: int) -> Estimates:
    """Ridge by SciPy's SVD; the penalty minimises GCV on a grid of that many."""
    return np.stack([_ridge_svd(*context, penalties) for context in zip(x, y, strict=True)])


def _ridge_svd(x: np.ndarray, y: np.ndarray, penalties: int) -> np.ndarray:
    u, s, vt = linalg.svd(x, full_matrices=False)
    inside = u.T @ y
    outside = max(y @ y - inside @ inside, 0.0)
    mu = np.mean(s**2) * np.logspace(-8, 4, penalties)
    g = mu / (s[:, None] ** 2 + mu)
    gcv = (outside + (g**2).T @ inside**2) / (max(len(y) - len(s), 0) + g.sum(axis=0)) ** 2
    return vt.T @ (s / (s**2 + mu[gcv.argmin()]) * inside)


def two_stage(x: Designs, y: Responses, penalties: int) -> Estimates:
    """Both stages of two-stage ridge on the same contexts."""
    first = ridge_svd(x, y, penalties)
    mean, covariance = first.mean(axis=0), np.cov(first, rowvar=False)
    values, vectors = linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = spectral_rank(values)
    loading = vectors[:, :rank] * np.sqrt(values[:rank] - values[rank:].mean())
    return np.stack(
        [
            mean + loading @ _ridge_svd(design @ loading, response - design @ mean, penalties)
            for design, response in zip(x, y, strict=True)
        ]
    )


def oracle(problem: Problem, x: Designs, y: Responses) -> Estimates:
    """The posterior mean under the truth, one positive definite system a context."""
    basis, mean = problem.prior_basis, problem.prior_mean
    ridge = np.diag(problem.noise_std**2 / problem.prior_variances)
    estimates = []
    for design, response in zip(x, y, strict=True):
        z = design @ basis
        v = linalg.solve(z.T @ z + ridge, z.T @ (response - design @ mean), assume_a="pos")
        estimates.append(mean + basis @ v)
    return np.stack(estimates)


def expectation_maximisation(x: Designs, y: Responses, rank: int) -> MixedModel:
    """Plain EM for the linear mixed model, from the start and to the gain of `empirical_bayes`."""
    prior: EstimatedPrior = debiased_moments(x, y).prior(rank)
    mean, loading = prior.mean, prior.loading
    noise = 0.1 * float(np.mean((y - x @ mean) ** 2))
    likelihood = -np.inf
    for _ in range(ITERATIONS):
        posteriors, new = [], 0.0
        for design, response in zip(x, y, strict=True):
            s, residual = design @ loading, response - design @ mean
            precision = np.eye(rank) + s.T @ s / noise
            factor = linalg.cho_factor(precision)
            z = linalg.cho_solve(factor, s.T @ residual) / noise
            posteriors.append((z, linalg.cho_solve(factor, np.eye(rank))))
            determinant = 2 * np.log(np.diag(factor[0])).sum() + len(y[0]) * np.log(noise)
            new -= 0.5 * (determinant + residual @ (residual - s @ z) / noise)
        new -= 0.5 * y.size * np.log(2 * np.pi)
        gain, likelihood = new - likelihood, new
        if gain < TOLERANCE:
            break
        mean, loading, noise = _maximise(x, y, posteriors)
    return MixedModel(mean, loading, noise, likelihood)


def _maximise(
    x: np.ndarray, y: np.ndarray, posteriors: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, float]:
    """w_0, A and σ² given the mean and covariance of every z_j."""
    d, size = x.shape[2], len(posteriors[0][0]) + 1
    system, right = np.zeros((size * d, size * d)), np.zeros((size, d))
    for design, response, (z, covariance) in zip(x, y, posteriors, strict=True):
        u = np.concatenate([[1.0], z])
        second = np.outer(u, u)
        second[1:, 1:] += covariance
        system += np.kron(second, design.T @ design)
        right += np.outer(u, design.T @ response)
    theta = linalg.solve(system, right.ravel(), assume_a="pos").reshape(size, d).T
    mean, loading = theta[:, 0], theta[:, 1:]
    squares = 0.0
    for design, response, (z, covariance) in zip(x, y, posteriors, strict=True):
        s = design @ loading
        squares += np.sum((response - design @ mean - s @ z) ** 2) + np.trace(s.T @ s @ covariance)
    return mean, loading, squares / y.size

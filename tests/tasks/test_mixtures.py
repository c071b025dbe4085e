import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from nao.seeding import stream
from nao.tasks import mixtures
from nao.tasks.mixtures import GaussianMixture


def random_mixture(components: int, d: int, rank: int, seed: int = 0) -> GaussianMixture:
    rng = stream(seed, "mixture", components, d, rank)
    weights = rng.dirichlet(np.ones(components))
    return GaussianMixture(
        weights, rng.standard_normal((components, d)), rng.standard_normal((components, d, rank))
    )


def contexts(d: int, n: int, count: int = 6):
    rng = stream(1, "contexts", d, n)
    return rng.standard_normal((count, n, d)), rng.standard_normal((count, n))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_posterior_and_evidence_against_quadrature_in_the_plane(n):
    mixture, sigma = random_mixture(3, 2, 2), 0.5
    x, y = contexts(2, n)
    axis = np.linspace(-9, 9, 901)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    prior = sum(
        p * multivariate_normal.pdf(grid, m, a @ a.T)
        for p, m, a in zip(mixture.weights, mixture.means, mixture.loadings, strict=True)
    )
    posterior = mixture.posterior(x, y, sigma)
    for x_j, y_j, mean, own, variance in zip(x, y, *posterior, strict=True):
        squares = np.sum((y_j - grid @ x_j.T) ** 2, axis=1)
        joint = prior * np.exp(-squares / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** (n / 2)
        np.testing.assert_allclose(mean, joint @ grid / joint.sum(), atol=1e-6)
        around = joint @ np.sum((grid - mean) ** 2, axis=1) / joint.sum()
        np.testing.assert_allclose(variance, around, rtol=1e-4)
        np.testing.assert_allclose(own, np.log(joint.sum() * (axis[1] - axis[0]) ** 2), atol=1e-6)


@pytest.mark.parametrize(("rank", "n"), [(0, 4), (1, 4), (3, 4), (6, 4)])
def test_posterior_against_dense_conditioning(rank, n, monkeypatch):
    monkeypatch.setattr(mixtures, "NUMBERS", 100)  # several batches
    d, sigma = 7, 0.3
    mixture = random_mixture(5, d, rank)
    x, y = contexts(d, n)
    posterior = mixture.posterior(x, y, sigma)
    for x_j, y_j, mean, own, variance in zip(x, y, *posterior, strict=True):
        parts, logs, traces = [], [], []
        for p, m, a in zip(mixture.weights, mixture.means, mixture.loadings, strict=True):
            marginal = x_j @ a @ a.T @ x_j.T + sigma**2 * np.eye(n)
            parts.append(m + a @ a.T @ x_j.T @ np.linalg.solve(marginal, y_j - x_j @ m))
            explained = a @ a.T @ x_j.T @ np.linalg.solve(marginal, x_j @ a @ a.T)
            traces.append(np.trace(a @ a.T - explained))
            logs.append(np.log(p) + multivariate_normal.logpdf(y_j, x_j @ m, marginal))
        shares = np.exp(np.array(logs) - logsumexp(logs))
        np.testing.assert_allclose(mean, shares @ np.array(parts), atol=1e-10)
        around = np.array(traces) + np.sum((np.array(parts) - mean) ** 2, axis=1)
        np.testing.assert_allclose(variance, shares @ around, atol=1e-9)
        np.testing.assert_allclose(own, np.asarray(logsumexp(logs)), atol=1e-9)


@pytest.mark.parametrize("rank", [0, 2])
def test_moments_against_draws(rank):
    mixture, count = random_mixture(4, 3, rank), 200_000
    rng = stream(2, "draws")
    chosen = rng.choice(4, count, p=mixture.weights)
    z = rng.standard_normal((count, rank))
    w = mixture.means[chosen] + np.einsum("bdr,br->bd", mixture.loadings[chosen], z)
    np.testing.assert_allclose(mixture.mean, w.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(mixture.covariance, np.cov(w.T), atol=0.12)

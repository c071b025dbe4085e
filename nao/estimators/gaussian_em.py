"""EM for w ~ N(m, S) of full rank, seen through contexts, then the posterior mean.

    Y_j = X_j w_j + ε_j,   w_j ~ N(m, S),   ε_j ~ N(0, σ² I)      (ours)

The classical rival where the prior has no rank to be found, as that of images: at the maximum it is
the best estimator linear in Y, learned from the contexts alone. A step costs n²d + nd² a context,
whatever the rank, where that of `empirical_bayes` grows with its square times d².
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from nao.estimators.estimator import NotComputable
from nao.estimators.oracle import GaussianModel
from nao.tasks.problems import Contexts

#: Iterations at most, and the gain in log-likelihood per context at which to stop
ITERATIONS, TOLERANCE = 100, 1e-3
#: Of the mean of Y²: residuals below this are what is left of nothing in float64
ROUNDING = 1e-24


def fit_gaussian(training: Contexts, iterations: int = ITERATIONS) -> GaussianModel:
    """Maximum likelihood by EM, from pooled least squares and S a multiple of I.

    With G = XSXᵀ + σ²I and a = G⁻¹(Y − Xm): E[w] = m + SXᵀa, Cov w = S − SXᵀG⁻¹XS. Raises
    `NotComputable` where one w explains all rows, as it does where they are d at most.
    """
    x, y = training.x.astype(np.float64), training.y.astype(np.float64)
    count, n, d = x.shape
    mean = np.linalg.lstsq(x.reshape(-1, d), y.ravel())[0]
    square = float(np.mean((y - x @ mean) ** 2))
    if count * n <= d or square <= ROUNDING * float(np.mean(y**2)):
        raise NotComputable(
            f"one w explains all {count} contexts of {n} rows in d = {d}, so they tell neither "
            "noise nor spread; give more contexts"
        )
    covariance, variance, before = square / d * np.eye(d), 0.1 * square, -np.inf
    for _ in range(iterations):
        xs = x @ covariance
        gram: Any = xs @ x.transpose(0, 2, 1) + variance * np.eye(n)
        inverse, residual = np.linalg.inv(gram), y - x @ mean
        a = (inverse @ residual[:, :, None])[:, :, 0]
        likelihood = -0.5 * np.mean(np.linalg.slogdet(gram)[1] + np.sum(residual * a, axis=1))
        if likelihood - before < TOLERANCE:
            break
        before = likelihood

        w_hat = mean + (a[:, None] @ xs)[:, 0]
        explained = (inverse @ xs).reshape(-1, d).T @ xs.reshape(-1, d) / count
        mean = w_hat.mean(axis=0)
        deviation = w_hat - mean
        covariance = covariance - explained + deviation.T @ deviation / count
        traces = np.trace(inverse, axis1=1, axis2=2)
        spread = np.maximum(n - variance * traces, 0)  # tr(G⁻¹ XSXᵀ), which rounding takes below 0
        variance *= float(np.mean(variance * np.sum(a**2, axis=1) + spread)) / n
    return GaussianModel(mean, root(covariance), variance)


def root(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """A with AAᵀ = S, whatever rounding leaves below 0."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0))

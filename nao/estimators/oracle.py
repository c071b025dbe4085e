"""The oracle ridge estimator (ORE): the posterior mean under the true prior and noise level."""

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches
from nao.tasks.problems import Problem


def oracle_ridge(
    problem: Problem, x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, "batch d"]:
    """ŵ = w_0 + U (ZᵀZ + σ_ε² Λ⁻¹)⁻¹ Zᵀ(Y − Xw_0), Z = XU.

    The posterior mean for a Gaussian prior and Gaussian noise; for any other law of the same
    moments, the best estimator that is linear in Y given X.
    """
    # ASSUME: the slides write (XᵀX + σ_ε² Σ_w†)† Xᵀ(Y − Xw_0) + w_0. Where Σ_w has not full rank,
    # that leaves the directions outside span(U) unpenalised, and n < d − r_w then fits the noise;
    # the form above restricts ŵ − w_0 to span(U), and agrees with it when r_w = d.
    loading = problem.prior_basis * np.sqrt(problem.prior_variances)
    return posterior_mean(problem.prior_mean, loading, problem.noise_std**2, x, y)


def posterior_mean(
    prior_mean: Float[np.ndarray, " d"],
    loading: Float[np.ndarray, "d r"],
    noise_variance: float,
    x: Float[np.ndarray, "batch n d"],
    y: Float[np.ndarray, "batch n"],
) -> Float[np.ndarray, "batch d"]:
    """E[w | X, Y] for w = w_0 + A z, z ~ N(0, I_r), A the loading: Σ_w = AAᵀ.

    Solves in the smaller of r and n unknowns, so that noise_variance = 0 is a limit like any other:
    (SᵀS + σ²I)⁻¹Sᵀ = Sᵀ(SSᵀ + σ²I)⁻¹ with S = XA.
    """

    def estimate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = x @ loading
        st = s.transpose(0, 2, 1)
        residual = (y - x @ prior_mean)[:, :, None]
        ridge = noise_variance * np.eye(min(s.shape[1:]))
        if s.shape[2] <= s.shape[1]:
            z = np.linalg.solve(st @ s + ridge, st @ residual)
        else:
            z = st @ np.linalg.solve(s @ st + ridge, residual)
        return prior_mean + z[:, :, 0] @ loading.T

    return in_batches(estimate, x, y)

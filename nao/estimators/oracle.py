"""The oracle ridge estimator (ORE): the posterior mean under the true prior and noise level."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches
from nao.tasks.problems import Contexts, Problem
from nao.theory.posterior import posterior_covariance


@dataclass(frozen=True, eq=False)
class GaussianModel:
    """w = w_0 + A z with z ~ N(0, I_r), and Y = Xw + ε with ε ~ N(0, σ² I); Σ_w = AAᵀ."""

    mean: Float[np.ndarray, " d"]
    loading: Float[np.ndarray, "d r"]
    noise_variance: float

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_w = AAᵀ."""
        return self.loading @ self.loading.T

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """E[w | X, Y] = w_0 + A(SᵀS + σ²I)⁻¹Sᵀ(Y − Xw_0) with S = XA.

        Solves in the smaller of r and n unknowns, so that σ² = 0 is a limit like any other:
        (SᵀS + σ²I)⁻¹Sᵀ = Sᵀ(SSᵀ + σ²I)⁻¹.
        """
        return in_batches(self._posterior_mean, test.x, test.y)

    def variance(self, test: Contexts) -> Float[np.ndarray, " batch"]:
        """tr Cov(w | X, Y) = tr A Cov(z | X, Y) Aᵀ, whatever Y is."""
        gram, noise_std = self.loading.T @ self.loading, float(np.sqrt(self.noise_variance))

        def trace(x: np.ndarray, _: np.ndarray) -> np.ndarray:
            covariance = posterior_covariance(self.loading, np.ones(len(gram)), noise_std, x)
            return np.sum(covariance * gram, axis=(1, 2))

        return in_batches(trace, test.x, test.y)

    def _posterior_mean(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = x @ self.loading
        st = s.transpose(0, 2, 1)
        residual = (y - x @ self.mean)[:, :, None]
        ridge = self.noise_variance * np.eye(min(s.shape[1:]))
        if s.shape[2] <= s.shape[1]:
            z = np.linalg.solve(st @ s + ridge, st @ residual)
        else:
            z = st @ np.linalg.solve(s @ st + ridge, residual)
        return self.mean + z[:, :, 0] @ self.loading.T


def oracle_ridge(truth: Problem) -> GaussianModel:
    """ŵ = w_0 + U (ZᵀZ + σ_ε² Λ⁻¹)⁻¹ Zᵀ(Y − Xw_0), Z = XU.

    The posterior mean for a Gaussian prior and Gaussian noise; for any other law of the same
    moments, the best estimator that is linear in Y given X.
    """
    # ASSUME: the slides write (XᵀX + σ_ε² Σ_w†)† Xᵀ(Y − Xw_0) + w_0. Where Σ_w has not full rank,
    # that leaves the directions outside span(U) unpenalised, and n < d − r_w then fits the noise;
    # the form above restricts ŵ − w_0 to span(U), and agrees with it when r_w = d.
    loading = truth.prior_basis * np.sqrt(truth.prior_variances)
    return GaussianModel(truth.prior_mean, loading, truth.noise_std**2)

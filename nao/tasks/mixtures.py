"""Finite mixtures of Gaussians, w ~ Σ_k p_k N(m_k, A_k A_kᵀ), and their exact posterior mean.

Every prior of the study but the uniform one is such a mixture, exactly or up to a quadrature.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

NUMBERS = 2_000_000  # held at once: contexts are taken in batches of as many


class Posterior(NamedTuple):
    """Of each context: E[w | X, Y], ln p(Y | X), and E[‖w − E[w | X, Y]‖² | X, Y]."""

    mean: Float[np.ndarray, "batch d"]
    evidence: Float[np.ndarray, " batch"]
    variance: Float[np.ndarray, " batch"]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Probabilities p, means m and loadings A; r = 0 is a mixture of points."""

    weights: Float[np.ndarray, " K"]
    means: Float[np.ndarray, "K d"]
    loadings: Float[np.ndarray, "K d r"]

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        """E w."""
        return self.weights @ self.means

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Cov w = Σ p_k (m_k m_kᵀ + A_k A_kᵀ) − E w E wᵀ."""
        directions = [self.means - self.mean, *np.moveaxis(self.loadings, 2, 0)]
        rows = np.concatenate([np.sqrt(self.weights)[:, None] * each for each in directions])
        return rows.T @ rows

    def posterior(
        self,
        x: Float[np.ndarray, "batch n d"],
        y: Float[np.ndarray, "batch n"],
        noise_std: float,
    ) -> Posterior:
        """The posterior of Y = Xw + ε, ε ~ N(0, σ² I), σ > 0.

        With e = Y − X m_k, S = X A_k, C = SᵀS + σ²I and v = C⁻¹Sᵀe, component k has the posterior
        N(m_k + A_k v, σ² A_k C⁻¹ A_kᵀ) and the evidence

            ln p_k(Y | X) = −½ [n ln 2π + (n − r) ln σ² + ln det C + (eᵀe − eᵀSv)/σ²].
        """
        batch = max(1, NUMBERS // (len(self.means) * (1 + self.loadings.shape[2]) * x.shape[1]))
        parts = [
            self._posterior(x[i : i + batch], y[i : i + batch], noise_std)
            for i in range(0, max(len(x), 1), batch)
        ]
        return Posterior(*map(np.concatenate, zip(*parts, strict=True)))

    def _posterior(self, x: np.ndarray, y: np.ndarray, noise_std: float) -> Posterior:
        (count, n, d), (components, _, r) = x.shape, self.loadings.shape
        x, y, variance = x.astype(np.float64), y.astype(np.float64), noise_std**2
        affine = np.concatenate([self.means[:, :, None], self.loadings], axis=2)
        seen = (x.reshape(-1, d) @ affine.transpose(1, 0, 2).reshape(d, -1)).reshape(
            count, n, components, 1 + r
        )
        seen = seen.transpose(0, 2, 1, 3)  # X m_k and S, component by component
        error, s = y[:, None, :, None] - seen[..., :1], seen[..., 1:]
        system = s.swapaxes(2, 3) @ s + variance * np.eye(r)
        right = s.swapaxes(2, 3) @ error
        inverse = np.linalg.inv(system)
        v = inverse @ right
        square = np.sum(error**2, axis=(2, 3)) - np.sum(right * v, axis=(2, 3))
        evidence = -0.5 * (
            n * np.log(2 * np.pi)
            + (n - r) * np.log(variance)
            + np.linalg.slogdet(system)[1]
            + square / variance
        )
        with np.errstate(divide="ignore"):
            joint = np.log(self.weights) + evidence
        total = np.logaddexp.reduce(joint, axis=1)
        share = np.exp(joint - total[:, None])
        directions = self.loadings.transpose(0, 2, 1).reshape(-1, d)
        mean = share @ self.means + (share[:, :, None] * v[..., 0]).reshape(count, -1) @ directions
        squares = self._squares(v[..., 0], variance * inverse)
        around = np.sum(share * squares, axis=1) - np.sum(mean**2, axis=1)
        return Posterior(mean, total, np.maximum(around, 0))

    def _squares(self, v: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """E‖m_k + A_k z‖² of every component for z of mean v and this covariance."""
        gram = self.loadings.transpose(0, 2, 1) @ self.loadings
        along = (self.means[:, None] @ self.loadings)[:, 0]
        second = covariance + v[..., :, None] * v[..., None, :]
        return (
            np.sum(self.means**2, axis=1)
            + 2 * np.sum(v * along, axis=-1)
            + np.sum(second * gram, axis=(-2, -1))
        )

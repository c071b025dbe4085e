"""Least squares on the leading principal axes of the prior (PCA-regularised least squares).

The axes are those of the debiased moments of w, so they are learned from contexts without a w. The
number k of them is one for all contexts, by generalised cross-validation pooled over the training:

    GCV(k) = Σ_j ‖Y_j − X_j ŵ_j‖² / (n − k)²,    ŵ_j = ŵ_0 + Q_k argmin_v ‖Y_j − X_j(ŵ_0 + Q_k v)‖²
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches
from nao.estimators.two_stage import debiased_moments
from nao.tasks.problems import Contexts


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """ŵ_0 and the k axes Q."""

    mean: Float[np.ndarray, " d"]
    axes: Float[np.ndarray, "d k"]

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """ŵ_0 + Qv with v by least squares."""
        return in_batches(self._least_squares, test.x, test.y)

    def _least_squares(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        residual = (y - x @ self.mean)[:, :, None]
        return self.mean + (np.linalg.pinv(x @ self.axes) @ residual)[:, :, 0] @ self.axes.T


def fit_principal_components(training: Contexts) -> PrincipalComponents:
    """The moments, and the k below n with the least GCV.

    Raises `NotComputable` where the moments are not determined.
    """
    n, d = training.x.shape[1:]
    prior = debiased_moments(training.x, training.y).prior(d)
    scores = []
    for k in range(1, min(n, d)):
        fitted = PrincipalComponents(prior.mean, prior.basis[:, :k])
        w_hat = fitted.estimate(training)
        left = training.y - (training.x @ w_hat[:, :, None])[:, :, 0]
        scores.append(np.sum(left.astype(np.float64) ** 2) / (n - k) ** 2)
    best = 1 + int(np.argmin(scores)) if scores else 1
    return PrincipalComponents(prior.mean, prior.basis[:, :best])

"""DARTR: ridge in the norm of the space that the data can identify (Lu, Lang and An, PMLR 190).

With ρ_j the exploration of coordinate j, B = diag(ρ) and A = XᵀX/n, the norm is that of the
reproducing kernel Hilbert space of C = B⁻¹AB⁻¹: what the data do not see, ŵ does not contain.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches
from nao.estimators.l_curve import ridge_l_curve
from nao.estimators.ridge import ridge

LEAST_EXPLORED = 1e-3  # as a share of the mean: an unexplored coordinate is not divided by 0


def dartr(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, "batch d"]:
    """argmin ‖Xw − Y‖² + μ wᵀC⁺w in each context from its own rows, μ by the L-curve."""
    return in_batches(lambda x, y: _dartr(x, y, ridge_l_curve), x, y)


def dartr_gcv(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, "batch d"]:
    """The same with μ by generalised cross-validation, to be held against `ridge`."""
    return in_batches(lambda x, y: _dartr(x, y, ridge), x, y)


def _dartr(
    x: np.ndarray, y: np.ndarray, solve: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """w = C^{1/2}v, where v is ridge regression on XC^{1/2} and lies in the range of C.

    XB⁻¹ = U S Vᵀ gives C = V S² Vᵀ/n, so only the coordinates Vᵀv, n at most, are solved for.
    """
    explored = np.abs(x).mean(axis=1)
    explored /= np.maximum(explored.mean(axis=1, keepdims=True), np.finfo(float).tiny)
    scaled = x / np.maximum(explored, LEAST_EXPLORED)[:, None]
    _, s, vt = np.linalg.svd(scaled, full_matrices=False)
    root = s[:, :, None] * vt / np.sqrt(x.shape[1])
    v = solve(x @ root.transpose(0, 2, 1), y)
    return (v[:, None] @ root)[:, 0]

"""Ridge with the penalty at the corner of the L-curve: log‖ŵ‖ against log‖Xŵ − Y‖ as λ varies."""

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches

POINTS = 200  # on the curve, evenly spaced in log λ
ENDS = 3  # of them at either end have no curvature to be trusted
LEAST = 1e-6  # singular value at which the curve ends, as a share of the largest
TINY = np.finfo(float).tiny


def ridge_l_curve(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, "batch d"]:
    """ŵ = (XᵀX + μ I)⁻¹ XᵀY with √μ in each context where the L-curve bends most.

    √μ runs from the least to the largest singular value of X. In coordinates ρ = log‖Xŵ − Y‖ and
    η = log‖ŵ‖ the curvature is (ρ'η'' − ρ''η')/(ρ'² + η'²)^{3/2}, by finite differences in log μ.
    """
    return in_batches(_ridge_l_curve, x, y)


def _ridge_l_curve(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    inside = (y[:, None] @ u)[:, 0]
    outside = np.maximum(np.sum(y**2, axis=1) - np.sum(inside**2, axis=1), 0)
    top = np.where(s[:, :1] > 0, s[:, :1], 1)  # X = 0: every penalty gives ŵ = 0
    low = np.maximum(s[:, -1:], LEAST * top)
    mu = (low * (top / low) ** np.linspace(0, 1, POINTS)) ** 2  # contexts × points

    squares = s[:, None, :] ** 2
    denominators = squares + mu[:, :, None]
    sizes = np.sum((s * inside)[:, None] ** 2 / denominators**2, axis=2)
    misfits = np.sum((mu[:, :, None] * inside[:, None] / denominators) ** 2, axis=2)
    size, residual = (
        np.log(np.maximum(each, TINY)) / 2 for each in (sizes, misfits + outside[:, None])
    )
    slope, fall = np.gradient(size, axis=1), np.gradient(residual, axis=1)
    bend = fall * np.gradient(slope, axis=1) - np.gradient(fall, axis=1) * slope
    curvature = bend / np.maximum((slope**2 + fall**2) ** 1.5, TINY)
    corner = ENDS + curvature[:, ENDS:-ENDS].argmax(axis=1)

    chosen = mu[np.arange(len(x)), corner][:, None]
    return ((s * inside / (s**2 + chosen))[:, None] @ vt)[:, 0]

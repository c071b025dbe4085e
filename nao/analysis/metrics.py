"""Errors of estimates over a set of test contexts; a NaN estimate gives a NaN score."""

import numpy as np
from jaxtyping import Float


def rmse(w_hat: Float[np.ndarray, "batch d"], w: Float[np.ndarray, "batch d"]) -> float:
    """sqrt of the mean over contexts of ‖ŵ − w‖²."""
    _check(w_hat, w.shape, "w")
    deviation = np.subtract(w_hat, w, dtype=np.float64)
    return float(np.sqrt(np.mean(np.sum(deviation**2, axis=1))))


def relative_rmse(w_hat: Float[np.ndarray, "batch d"], w: Float[np.ndarray, "batch d"]) -> float:
    """RMSE / sqrt(mean ‖w‖²): 1 is the error of ŵ = 0."""
    return rmse(w_hat, w) / rmse(np.zeros_like(w), w)


def median_error(w_hat: Float[np.ndarray, "batch d"], w: Float[np.ndarray, "batch d"]) -> float:
    """Median over contexts of ‖ŵ − w‖, which a few estimates far off do not move."""
    _check(w_hat, w.shape, "w")
    return float(np.median(np.linalg.norm(np.subtract(w_hat, w, dtype=np.float64), axis=1)))


def weighted_rmse(
    w_hat: Float[np.ndarray, "batch d"],
    w: Float[np.ndarray, "batch d"],
    design_covariance: Float[np.ndarray, "d d"],
) -> float:
    """RMSE in L²(ρ): sqrt of the mean over contexts of Σ_j ρ_j (ŵ_j − w_j)².

    ρ_j = √(Σ_x)_jj over its mean says how much the data see of coordinate j: for a stationary
    operator on Gaussian functions it is proportional to E|x_j|.
    """
    _check(w_hat, w.shape, "w")
    seen = np.sqrt(np.diag(design_covariance))
    deviation = np.subtract(w_hat, w, dtype=np.float64)
    return float(np.sqrt(np.mean(deviation**2 @ (seen / seen.mean()))))


def prediction_rmse(
    w_hat: Float[np.ndarray, "batch d"],
    w: Float[np.ndarray, "batch d"],
    design_covariance: Float[np.ndarray, "d d"],
) -> float:
    """sqrt of the mean over contexts of (ŵ − w)ᵀ Σ_x (ŵ − w): the error of <x, ŵ> at a new x."""
    _check(w_hat, w.shape, "w")
    deviation = np.subtract(w_hat, w, dtype=np.float64)
    return float(np.sqrt(np.mean(np.sum(deviation @ design_covariance * deviation, axis=1))))


def misfit(
    w_hat: Float[np.ndarray, "batch d"],
    x: Float[np.ndarray, "batch n d"],
    y: Float[np.ndarray, "batch n"],
) -> float:
    """Mean over contexts and rows of (Xŵ − Y)². It never sees w."""
    _check(w_hat, (x.shape[0], x.shape[2]), "x")
    residual = np.einsum("bnd,bd->bn", x, w_hat, dtype=np.float64) - y
    return float(np.mean(residual**2))


def _check(w_hat: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    # A silent broadcast would turn a missing context into a plausible number.
    if w_hat.shape != shape:
        raise ValueError(
            f"w_hat has shape {w_hat.shape} but {name} asks for {shape}: "
            "give one estimate per context"
        )

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

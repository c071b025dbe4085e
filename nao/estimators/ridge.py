"""Ridge regression per context (RE), its penalty chosen by generalised cross-validation.

    ŵ = (XᵀX + nλ I)⁻¹ XᵀY,    GCV(λ) = n ‖(I − H)Y‖² / tr(I − H)²,    H = X(XᵀX + nλ I)⁻¹Xᵀ

With K = XXᵀ and μ = nλ, I − H = μ(K + μI)⁻¹, whose eigenvalues are g_i = nλ/(s_i² + nλ) in terms of
the singular values of X; nothing is ever formed as 1 − f, which cancels at small λ.

GCV needs the trace and one quadratic form of g(K), not its eigenvectors. So K is only reduced to
tridiagonal form T, in a basis whose first vector is Y/‖Y‖ (Eldén 1977). A pivot recursion on T + μI
then gives both at any μ in O(n), where an eigendecomposition costs five times the reduction.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches

#: log10 of nλ over the mean eigenvalue of XXᵀ, for the first pass: quarter decades, since GCV has
#: valleys that lie between the points of half ones
GRID = np.linspace(-8, 4, 49)
#: Each later pass lays these points around the best, in steps of the pass before: after two, 0.01
#: decades
ZOOM, ZOOMS = np.linspace(-1, 1, 11), 2


def ridge(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, "batch d"]:
    """ŵ = (XᵀX + nλ I)⁻¹ XᵀY with λ minimising GCV in each context (slides, baselines: RE).

    λ is sought on the logarithmic grid GRID of nλ relative to the mean eigenvalue of XXᵀ (quarter
    decades), then on ever finer grids around the best point.
    """
    return in_batches(_ridge, x, y)


def ridge_penalty(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> Float[np.ndarray, " batch"]:
    """The λ that `ridge` uses in each context."""
    return in_batches(lambda x, y: _penalty(*_kernel_form(x, y)[1:]), x, y) / x.shape[1]


def _lapack(name: str) -> Callable[..., Any]:
    """LAPACK's function in double precision, which has no batched form: one call a context."""
    from scipy.linalg import get_lapack_funcs  # here, for it is slow to load

    return get_lapack_funcs(name, dtype=np.float64)  # pyright: ignore[reportReturnType]


def _ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, kernel, y, outside, spare = _kernel_form(x, y)
    penalty = _penalty(kernel, y, outside, spare)
    rows = np.arange(kernel.shape[1])
    kernel[:, rows, rows] += penalty[:, None]
    posv = _lapack("posv")
    dual = np.stack([posv(k.T, y_j, overwrite_a=1)[1] for k, y_j in zip(kernel, y, strict=True)])
    return (dual[:, None] @ x)[:, 0]


def _kernel_form(
    x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """X and Y as at most d rows with the same estimates, XXᵀ, and what GCV needs of the rest."""
    outside, spare = np.zeros(len(x)), max(x.shape[1] - x.shape[2], 0)
    if spare:  # n > d: all of Y outside the range of X is residual at every λ
        q, r = np.linalg.qr(x)
        inside = (y[:, None] @ q)[:, 0]
        outside = np.sum((y - (q @ inside[:, :, None])[:, :, 0]) ** 2, axis=1)
        x, y = r, inside
    return x, x @ x.transpose(0, 2, 1), y, outside, spare


def _penalty(kernel: np.ndarray, y: np.ndarray, outside: np.ndarray, spare: int) -> np.ndarray:
    """Argmin over μ = nλ of (outside + ‖g(K)Y‖²) / (spare + tr g(K))², g(K) = μ(K + μI)⁻¹."""
    scale = np.trace(kernel, axis1=1, axis2=2) / kernel.shape[1]
    scale[scale == 0] = 1  # X = 0: every penalty gives ŵ = 0
    energy = np.sum(y**2, axis=1)[:, None]
    diagonal, offdiagonal = _tridiagonal(kernel, y)

    def gcv(log_mu: np.ndarray) -> np.ndarray:
        mu = np.exp(log_mu)
        trace, form = _resolvent(diagonal, offdiagonal, mu)
        return (outside[:, None] + energy * mu**2 * form) / (spare + mu * trace) ** 2

    step = np.log(10) * (GRID[1] - GRID[0])
    grid = np.log(scale)[:, None] + np.log(10) * GRID
    best = np.take_along_axis(grid, gcv(grid).argmin(axis=1)[:, None], axis=1)
    for _ in range(ZOOMS):
        grid = best + step * ZOOM
        best = np.take_along_axis(grid, gcv(grid).argmin(axis=1)[:, None], axis=1)
        step *= ZOOM[1] - ZOOM[0]
    return np.exp(best[:, 0])


def _tridiagonal(kernel: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal and squared off-diagonal of T = QᵀKQ with Q e_1 = ± Y/‖Y‖."""
    # One Householder reflection I − vvᵀ takes Y to e_1; LAPACK's reduction then leaves e_1 alone.
    v = y.copy()
    v[:, 0] += np.copysign(np.linalg.norm(y, axis=1), y[:, 0])
    v *= np.sqrt(2) / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.finfo(float).tiny)
    kv = (kernel @ v[:, :, None])[:, :, 0]
    u = kv - np.sum(v * kv, axis=1, keepdims=True) / 2 * v
    reflected = np.stack([v, u], axis=2) @ np.stack([u, v], axis=1)
    np.subtract(kernel, reflected, out=reflected)

    diagonal = np.empty_like(y)
    offdiagonal = np.empty((len(y), max(y.shape[1] - 1, 0)))
    sytrd = _lapack("sytrd")
    for i, symmetric in enumerate(reflected):
        _, diagonal[i], offdiagonal[i], _, _ = sytrd(symmetric.T, lower=1, overwrite_a=1)
    return diagonal, offdiagonal**2


def _resolvent(
    diagonal: np.ndarray, offdiagonal: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """tr (T + μI)⁻¹ and ‖(T + μI)⁻¹ e_1‖² for each μ of each context.

    The pivots p_i = t_ii + μ − t²_{i,i+1}/p_{i+1}, from the last to the first, satisfy
    det(T + μI) = Π p_i and e_1ᵀ(T + μI)⁻¹e_1 = 1/p_1. Their derivatives p'_i in μ are sums of
    positive terms, and yield the trace as Σ p'_i/p_i and the squared norm as p'_1/p_1².
    """
    # Contexts last: NumPy's inner loop then runs over all of them at once.
    mu, diagonal, offdiagonal = (np.ascontiguousarray(a.T) for a in (mu, diagonal, offdiagonal))
    inverse = 1 / (diagonal[-1] + mu)  # 1/p_i
    growth = inverse.copy()  # p'_i/p_i
    trace = inverse.copy()
    for t, squared in zip(diagonal[-2::-1], offdiagonal[::-1], strict=True):
        inverse *= squared
        growth *= inverse
        growth += 1
        np.subtract(mu, inverse, out=inverse)
        inverse += t
        np.reciprocal(inverse, out=inverse)
        growth *= inverse
        trace += growth
    return trace.T, (growth * inverse).T

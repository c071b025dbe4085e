"""What L gradient steps can reach in the span of the prior: the best polynomial of degree L − 1."""

import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev

from nao.tasks.problems import Problem


def polynomial_risk(problem: Problem, x: Float[np.ndarray, "batch n d"], steps: int) -> float:
    """The least mean risk on the designs x of L = `steps` gradient steps with P_l ∝ UUᵀ.

    Such steps make ŵ = w_0 + U q(S) ZᵀY'/n with S = ZᵀZ/n, Y' = Y − Xw_0 and q a polynomial of
    degree L − 1, whose roots are the steps' inverse lengths (Golub and Varga, Numer. Math. 1961).
    With s_i and v_i the eigenvalues and eigenvectors of S, the risk is quadratic in q,

        mean over x of  Σ_i  v_iᵀΛv_i (1 − s_i q(s_i))² + (σ_ε²/n) s_i q(s_i)²,

    and least squares on a Chebyshev basis find its minimum. That is a bound for the designs given,
    and grows with their number, for rare ones with a large s_i weigh heavily; matrices P_l that
    are free may do better. Raises ValueError for L < 1.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}: a polynomial of degree L − 1 needs L ≥ 1 steps")
    n = x.shape[1]
    z = (x @ problem.prior_basis).astype(np.float64)
    s, directions = np.linalg.eigh(z.transpose(0, 2, 1) @ z / n)
    weights = np.einsum("k,bki->bi", problem.prior_variances, directions**2).ravel()
    s = np.maximum(s, 0).ravel()
    basis = chebyshev.chebvander(2 * s / s.max() - 1, steps - 1)
    bias, noise = np.sqrt(weights), problem.noise_std * np.sqrt(s / n)
    design = np.concatenate([(bias * s)[:, None] * basis, noise[:, None] * basis])
    target = np.concatenate([bias, np.zeros_like(noise)])
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.sum((target - design @ coefficients) ** 2)) / len(x)

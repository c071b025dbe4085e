"""The oracle's risk averaged over designs, as a function of n, r_w, σ_ε, Λ and Σ_x alone.

Rows are x_i ~ N(0, Σ_x), and Z = XU has the row covariance K = UᵀΣ_xU (r × r).
"""

import numpy as np

from nao.tasks.problems import Problem


def inverse_wishart_risk(problem: Problem, context_length: int) -> float:
    """σ_ε² tr(K⁻¹) / (n − r_w − 1), which is σ_ε² r_w / (n − r_w − 1) for Σ_x = I.

    The limit of E tr Σ_post at vanishing noise, σ_ε² E tr (ZᵀZ)⁻¹, by the mean of an inverse
    Wishart matrix (Muirhead, Aspects of Multivariate Statistical Theory, § 3.2). Raises ValueError
    for n ≤ r_w + 1, where that mean does not exist.
    """
    n, r = context_length, problem.task_dimension
    if n <= r + 1:
        raise ValueError(
            f"context_length = {n} with task_dimension = {r}: the inverse Wishart law needs "
            f"n ≥ r_w + 2 rows; give {r + 2} or more, or use oracle_law"
        )
    covariance = problem.prior_basis.T @ problem.design_covariance @ problem.prior_basis
    return problem.noise_std**2 * float(np.trace(np.linalg.inv(covariance))) / (n - r - 1)


def marchenko_pastur_risk(problem: Problem, rows: float) -> float:
    """E tr Σ_post in the limit of many rows, n and r_w growing in proportion; finite for any r_w.

        tr (Λ⁻¹ + x K)⁻¹   with x > 0 from   σ_ε² x + tr[x K (Λ⁻¹ + x K)⁻¹] = n,

    x being what n rows are worth, n/σ_ε² less the share that goes into r_w unknowns (Marchenko and
    Pastur, Math. USSR-Sbornik 1967; Silverstein and Bai, J. Multivariate Anal. 1995). For K = I
    and Λ = λI, with c = r_w/n and z = σ_ε²/(nλ), it is (σ_ε²/n) r_w m, where

        m = [−(1 − c + z) + sqrt((1 − c + z)² + 4cz)] / (2cz).
    """
    from scipy.optimize import root_scalar  # here, for it is slow to load

    r, noise_variance = problem.task_dimension, problem.noise_std**2
    loading = problem.prior_basis * np.sqrt(problem.prior_variances)
    seen, directions = np.linalg.eigh(loading.T @ problem.design_covariance @ loading)
    if noise_variance == 0 and r <= rows:
        return 0.0

    def excess(x: float) -> float:
        return noise_variance * x + float(np.sum(x * seen / (1 + x * seen))) - rows

    most = 1 / seen.min()
    while excess(most) < 0:
        most *= 2
    x = root_scalar(excess, bracket=(0, most), xtol=1e-15 / seen.max(), rtol=1e-14).root
    weights = np.sum(problem.prior_variances[:, None] * directions**2, axis=0)
    return float(np.sum(weights / (1 + x * seen)))


def oracle_law(problem: Problem, context_length: int) -> float:
    """E tr Σ_post for any r_w: the form of Marchenko and Pastur, for n − 1 rows below r_w = n − 1.

    One row less turns n − r_w, its denominator at little noise, into the n − r_w − 1 of the inverse
    Wishart law. Its root is within 1 % of the exact one for r_w < n/2 and 5 % for r_w ≤ n − 3, seen
    at ten rows; from r_w = n − 1 on, where that law ends, n itself comes nearer: it is 28 % too low
    there, 17 % at r_w = n, and 5 % at most beyond.
    """
    n = context_length
    return marchenko_pastur_risk(problem, n - 1 if problem.task_dimension <= n - 2 else n)

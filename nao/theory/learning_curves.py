"""The risk of one linear-attention layer learned from finitely many contexts, for large d."""

import numpy as np
from jaxtyping import Float


def one_layer_risk(
    prior_variances: Float[np.ndarray, " d"], n: int, contexts: float, noise_variance: float
) -> float:
    """E‖ŵ − w‖² on fresh contexts of ŵ = P XᵀY/n, P by least squares of least norm.

    P is fitted to n_s = `contexts` contexts of n rows x_i ~ N(0, I), each with its own
    w ~ N(0, S) and one held-out row. The limit d → ∞ at fixed n/d = α, n_s/d² = τ and law of the
    eigenvalues d · `prior_variances` of dS, all d of them: a rank r_w in proportion to d (Lu,
    Letey, Zavatone-Veth, Maiti and Pehlevan, PNAS 2025, for S ∝ I; Letey, Zavatone-Veth, Lu and
    Pehlevan 2025, for any S; Takanami et al., AISTATS 2026, for low rank). With averages ⟨·⟩ over
    the eigenvalues c of dS, and a = (⟨c⟩ + σ²)/α the noise in a context's own XᵀX,

        ν = a + ξ,   m(ν) = ⟨1/(c + ν)⟩,   ξ m(ν) = 1 − τ for τ < 1, else ξ = 0
        e = [σ² + ν − ν²m − ξ(1 − 2νm − ν²m')] / [τ − (1 − 2ξm − ξ²m')]
        risk = a [1 + (e − 2ν) m + (ξe − ν²) m'] + e ⟨c/(c + ν)⟩ − (eξ − ν²) ⟨c/(c + ν)²⟩,

    which diverges at τ = 1. A finite size adds a share of order 1/d: at τ = 4 and r_w = d/2, 2.6/d
    for d = 16 and 2.3/d for d = 48. Raises ValueError for n or n_s ≤ 0.
    """
    from scipy.optimize import root_scalar  # here, for it is slow to load

    if n <= 0 or contexts <= 0:
        raise ValueError(f"n = {n} rows and contexts = {contexts}: give positive numbers")
    d = len(prior_variances)
    c, tau = d * prior_variances, contexts / d**2
    if tau == 1:
        return np.inf
    a = (c.mean() + noise_variance) * d / n

    def short(xi: float) -> float:
        return xi * float(np.mean(1 / (c + a + xi))) - (1 - tau)

    xi, most = 0.0, a
    if tau < 1:
        while short(most) < 0:
            most *= 2
        xi = root_scalar(short, bracket=(0, most), xtol=1e-15 * a, rtol=1e-14).root
    nu = a + xi
    m, slope = np.mean(1 / (c + nu)), -np.mean(1 / (c + nu) ** 2)
    excess = noise_variance + nu - nu**2 * m - xi * (1 - 2 * nu * m - nu**2 * slope)
    e = excess / (tau - (1 - 2 * xi * m - xi**2 * slope))
    own = a * (1 + (e - 2 * nu) * m + (xi * e - nu**2) * slope)
    others = e * np.mean(c / (c + nu)) - (e * xi - nu**2) * np.mean(c / (c + nu) ** 2)
    return float(own + others)

"""Theory lines: what the oracle's error and its outputs' moments must be, one function an equation.

Z = XU throughout; X is one of a batch of designs, and nothing here sees Y or w.
"""

import numpy as np
from jaxtyping import Float

from nao.tasks.problems import Problem


def posterior_covariance(
    prior_basis: Float[np.ndarray, "d r"],
    prior_variances: Float[np.ndarray, " r"],
    noise_std: float,
    x: Float[np.ndarray, "batch n d"],
) -> Float[np.ndarray, "batch r r"]:
    """Cov(v | X, Y) = (Λ⁻¹ + ZᵀZ/σ_ε²)⁻¹ for w = w_0 + U v, so that Σ_post(X) = U · Uᵀ.

    Independent of Y. Solves in the smaller of r and n unknowns, so that σ_ε = 0 is a limit.
    """
    scale = np.sqrt(prior_variances)
    s = (x @ (prior_basis * scale)).astype(np.float64)
    st = s.transpose(0, 2, 1)
    noise = noise_std**2 * np.eye(min(s.shape[1:]))
    if s.shape[2] <= s.shape[1]:
        whitened = np.linalg.solve(st @ s + noise, noise)
    else:
        whitened = np.eye(s.shape[2]) - st @ np.linalg.solve(s @ st + noise, s)
    return scale[:, None] * whitened * scale


def bayes_risk(problem: Problem, x: Float[np.ndarray, "batch n d"]) -> Float[np.ndarray, " batch"]:
    """E[‖ŵ_ORE − w‖² | X] = tr Σ_post(X), for each design; no estimator linear in Y has less."""
    covariance = posterior_covariance(
        problem.prior_basis, problem.prior_variances, problem.noise_std, x
    )
    return np.trace(covariance, axis1=1, axis2=2)


def risk_bound(problem: Problem, x: Float[np.ndarray, "batch n d"]) -> Float[np.ndarray, " batch"]:
    """σ_ε² r_w / (n b) ≥ tr Σ_post(X), with b = λ_min(ZᵀZ/n) of each design; inf where b = 0."""
    n, r = x.shape[1], problem.task_dimension
    if r > n:
        return np.full(len(x), np.inf)
    z = x @ problem.prior_basis
    b = np.linalg.eigvalsh(z.transpose(0, 2, 1) @ z / n)[:, 0]
    with np.errstate(divide="ignore"):
        return problem.noise_std**2 * r / (n * np.maximum(b, 0))


def risk_floor(problem: Problem, x: Float[np.ndarray, "batch n d"], chance: float) -> float:
    """What the mean of ‖ŵ − w‖² over contexts of these designs is below with probability ≤ chance.

        max over θ > 0 of  [ln(chance) + ½ Σ_j ln det(I + 2θ Σ_j/B)] / θ,   Σ_j = Σ_post(X_j),

    for *every* estimator that does not see w, if prior and noise are Gaussian. Given X and Y, w is
    N(ŵ_ORE, Σ_j), so the squared errors of any other ŵ are those of the oracle off centre, and the
    oracle's sum is the likeliest to be small (Anderson, Proc. AMS 1955); for that, a weighted sum
    of χ² variables, it is Chernoff's bound. Raises ValueError for other laws, under which an
    estimator not linear in Y may have less error.
    """
    from scipy.optimize import minimize_scalar  # here, for it is slow to load

    if not problem.gaussian:
        raise ValueError(
            "prior and noise are not both Gaussian: the oracle's risk is the least of all "
            "estimators for Gaussian laws alone; ask for a floor of those"
        )
    covariance = posterior_covariance(
        problem.prior_basis, problem.prior_variances, problem.noise_std, x
    )
    weights = np.maximum(np.linalg.eigvalsh(covariance), 0) / len(x)
    if not weights.any():
        return 0.0

    def bound(log_theta: float) -> float:
        theta = np.exp(log_theta)
        return (np.log(chance) + 0.5 * np.sum(np.log1p(2 * theta * weights))) / theta

    # Every θ gives a bound; the best lies between those that the sum and the least term ask for.
    lowest, highest = -np.log(weights.sum()), -np.log(weights[weights > 0].min()) + 5
    best = minimize_scalar(lambda theta: -bound(theta), bounds=(lowest, highest), method="bounded")
    return max(0.0, float(-best.fun))


def risk_scaling(problem: Problem, context_length: int) -> float:
    """σ_ε² r_w / (n λ_min(Σ_x)): the rate of the Bayes risk for r_w/n < 1/2 (slides, section 3)."""
    smallest = np.linalg.eigvalsh(problem.design_covariance)[0]
    return problem.noise_std**2 * problem.task_dimension / (context_length * smallest)


def covariance_correction(
    prior_basis: Float[np.ndarray, "d r"],
    prior_variances: Float[np.ndarray, " r"],
    noise_std: float,
    x: Float[np.ndarray, "batch n d"],
) -> Float[np.ndarray, "d d"]:
    """σ_ε² C = U E_X[(Λ⁻¹ + ZᵀZ/σ_ε²)⁻¹] Uᵀ, the mean over the given designs.

    By the law of total variance Cov(ŵ_ORE) = Σ_w − σ_ε² C, while E[ŵ_ORE] = w_0.
    """
    mean = posterior_covariance(prior_basis, prior_variances, noise_std, x).mean(axis=0)
    return prior_basis @ mean @ prior_basis.T

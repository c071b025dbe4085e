"""What an estimator knows of the prior, read off its outputs on fresh contexts.

For the posterior mean, E[ŵ] = w_0 and Cov(ŵ) = Σ_w − σ_ε² C (`theory.covariance_correction`). So
the mean of the outputs shows w_0 as it is, and their covariance shows Σ_w once σ_ε² C is added.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.tasks.problems import Problem
from nao.theory.posterior import covariance_correction

#: Fixed-point iterations for the correction, and the relative change at which they stop
ITERATIONS, TOLERANCE = 200, 1e-10


@dataclass(frozen=True, eq=False)
class RecoveredPrior:
    """Moments of estimates: mean, covariance, its eigenvalues (descending) and its rank."""

    mean: Float[np.ndarray, " d"]
    covariance: Float[np.ndarray, "d d"]
    eigenvalues: Float[np.ndarray, " d"]
    eigenvectors: Float[np.ndarray, "d d"]
    rank: int


@dataclass(frozen=True)
class PriorDistance:
    """How far a recovered prior lies from the truth."""

    mean_error: float  #: ‖ŵ_0 − w_0‖ / ‖w_0‖
    covariance_error: float  #: ‖Σ̂ − Σ_w‖_F / ‖Σ_w‖_F
    principal_angle: float  #: largest angle between span(U) and the top r_w eigenvectors, radians
    rank: int  #: recovered rank
    true_rank: int  #: r_w


def raw_prior(w_hat: Float[np.ndarray, "batch d"]) -> RecoveredPrior:
    """Sample mean and covariance of the estimates, as they are."""
    if len(w_hat) < 2:
        raise ValueError(f"{len(w_hat)} estimates have no covariance: give at least 2 contexts")
    w_hat = np.asarray(w_hat, dtype=np.float64)
    return _recovered(w_hat.mean(axis=0), np.atleast_2d(np.cov(w_hat, rowvar=False)))


def corrected_prior(
    w_hat: Float[np.ndarray, "batch d"], x: Float[np.ndarray, "batch n d"], noise_std: float
) -> RecoveredPrior:
    """The raw covariance plus σ_ε² C, with C from the estimates' own prior and designs.

    C depends on Σ_w, which an estimator does not know. So the correction solves

        Σ̂ = Cov(ŵ) + σ_ε² C(Û, Λ̂),    Û, Λ̂ = the leading r̂ eigenvectors and eigenvalues of Σ̂,

    by fixed-point iteration from Σ̂ = Cov(ŵ), with r̂ the rank of the raw covariance and C the mean
    over the designs x that gave w_hat. σ_ε is taken as given; w_0, Σ_w and w are not used.
    """
    raw = raw_prior(w_hat)
    corrected = raw
    for _ in range(ITERATIONS):
        basis, variances = corrected.eigenvectors[:, : raw.rank], corrected.eigenvalues[: raw.rank]
        correction = covariance_correction(basis, np.maximum(variances, 0), noise_std, x)
        previous, corrected = corrected, _recovered(raw.mean, raw.covariance + correction)
        change = np.linalg.norm(corrected.covariance - previous.covariance)
        if change <= TOLERANCE * np.linalg.norm(corrected.covariance):
            break
    return corrected


def true_prior(problem: Problem) -> RecoveredPrior:
    """The truth in the same form, for tables and figures that set it beside the recovered."""
    return _recovered(problem.prior_mean, problem.prior_covariance, problem.task_dimension)


def prior_distance(recovered: RecoveredPrior, problem: Problem) -> PriorDistance:
    """Relative errors of the mean and covariance, and the principal angle of the task space."""
    from scipy.linalg import subspace_angles  # here, for it is slow to load

    covariance = problem.prior_covariance
    leading = recovered.eigenvectors[:, : problem.task_dimension]
    return PriorDistance(
        mean_error=_relative(recovered.mean, problem.prior_mean),
        covariance_error=_relative(recovered.covariance, covariance),
        principal_angle=float(subspace_angles(leading, problem.prior_basis).max()),
        rank=recovered.rank,
        true_rank=problem.task_dimension,
    )


def spectral_rank(eigenvalues: Float[np.ndarray, " d"]) -> int:
    """The number of eigenvalues (descending, not negative) before the largest spectral gap.

    The gap after the k-th is log(λ_k + m) − log(λ_{k+1} + m) with m the mean eigenvalue. On this
    scale Λ = (2, 1, 0, …) has its gap after the second value, where plain differences tie, and
    ratios between values that are all noise count for nothing. A full rank shows no gap, so the
    answer is at most d − 1, or 1 for d = 1.
    """
    # ASSUME: the sources speak of the largest gap of the spectrum and name no scale.
    if len(eigenvalues) == 1:
        return 1
    shifted = np.maximum(eigenvalues, 0) + max(np.mean(eigenvalues), np.finfo(float).tiny)
    return int(np.argmax(shifted[:-1] / shifted[1:])) + 1


def _recovered(mean: np.ndarray, covariance: np.ndarray, rank: int | None = None) -> RecoveredPrior:
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    eigenvalues, eigenvectors = eigenvalues[::-1], eigenvectors[:, ::-1]
    rank = spectral_rank(eigenvalues) if rank is None else rank
    return RecoveredPrior(mean, covariance, eigenvalues, eigenvectors, rank)


def _relative(estimate: np.ndarray, truth: np.ndarray) -> float:
    size = np.linalg.norm(truth)
    return float(np.linalg.norm(estimate - truth) / size) if size > 0 else float("nan")

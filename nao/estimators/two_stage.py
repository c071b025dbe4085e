"""Two-stage ridge (TRE): learn the prior from the training contexts, then regularise by it.

Stage 1 estimates (w_0, Σ_w) with Σ_w of low rank; stage 2 is ridge in that geometry. The literal
form follows the slides. Its stage 1 is inconsistent: ŵ only sees the part of w in the row space of
X, so for Σ_x = I and λ → 0 it shrinks w_0 by n/d however many contexts there are. The debiased form
estimates the same moments consistently, and shares stage 2.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.analysis.prior import spectral_rank
from nao.estimators.batches import in_batches
from nao.estimators.estimator import NotComputable
from nao.estimators.least_squares import least_squares
from nao.estimators.ridge import ridge
from nao.tasks.problems import Contexts
from nao.theory.interpolation import interpolation_moments

SINGULAR = 1e-8  # least eigenvalue of the pooled rows' covariance, as a share of the largest
SIGNIFICANT = 6.0  # standard errors at which rows are taken to be dependent


@dataclass(frozen=True, eq=False)
class EstimatedPrior:
    """ŵ_0 and Σ̂_w = Û Λ̂ Ûᵀ, with the noise floor that was taken off the spectrum."""

    mean: Float[np.ndarray, " d"]
    basis: Float[np.ndarray, "d r"]
    variances: Float[np.ndarray, " r"]
    noise_floor: float

    @property
    def loading(self) -> Float[np.ndarray, "d r"]:
        """Û Λ̂^{1/2}."""
        return self.basis * np.sqrt(self.variances)

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ̂_w."""
        return self.loading @ self.loading.T

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """argmin ‖Y − X(ŵ_0 + Ûv)‖² + nλ vᵀΛ̂⁻¹v over v, ŵ = ŵ_0 + Ûv (slides, TRE, stage 2)."""
        # ASSUME: λ by GCV in each context; the sources do not say how it is chosen. The slides'
        # (XᵀX + λΣ̂_w†)† is read as the oracle's is: ŵ − ŵ_0 stays in span(Û).
        residual = in_batches(lambda x, y: y - x @ self.mean, test.x, test.y)
        v = ridge(in_batches(lambda x, _: x @ self.loading, test.x, test.y), residual)
        return self.mean + v @ self.loading.T


def fit_prior(training: Contexts) -> EstimatedPrior:
    """Moments of the ridge estimates (slides, TRE, stage 1).

    ŵ_0 is the mean of RE over the contexts and r̂_w the rank before the largest gap in the spectrum
    of its covariance; the mean of the remaining eigenvalues, the noise floor, is subtracted from
    the leading ones.
    """
    count = len(training)
    _require(count >= 2, f"{count} training contexts: a covariance needs at least 2")
    w_hat = ridge(training.x, training.y)
    basis, variances, floor = _low_rank(np.atleast_2d(np.cov(w_hat, rowvar=False)))
    return EstimatedPrior(w_hat.mean(axis=0), basis, variances, floor)


def fit_prior_debiased(training: Contexts) -> EstimatedPrior:
    """Consistent moments for Gaussian rows, rank and noise floor as in the literal form (ours).

    Raises `NotComputable` where the rows are not independent and Gaussian: with x̃ whitened,
    <x̃_i, x̃_j>² of two rows of a context then has mean d and variance 2d² + 6d.
    """
    moments = debiased_moments(training.x, training.y)
    d, n = training.x.shape[2], training.x.shape[1]
    if n > 1:
        first, second = (training.x[:, i] @ moments.whitener for i in (0, 1))
        squares = np.sum(first * second, axis=1) ** 2
        excess = (squares.mean() / d - 1) / np.sqrt((2 + 6 / d) / len(training))
        if excess > SIGNIFICANT:
            raise NotComputable(
                f"two rows of a context are {squares.mean() / d:.2g} times as much alike as "
                f"independent Gaussian rows ({excess:.0f} standard errors): the debiased moments "
                "hold for those alone; use two_stage_ridge or empirical_bayes"
            )
    return moments.prior()


@dataclass(frozen=True, eq=False)
class DebiasedMoments:
    """ŵ_0, Σ̂_x^{-1/2}, and the estimate of S Σ_w S + noise floor · I, S = Σ̂_x^{1/2}."""

    mean: Float[np.ndarray, " d"]
    whitener: Float[np.ndarray, "d d"]
    moment: Float[np.ndarray, "d d"]

    def prior(self, rank: int | None = None) -> EstimatedPrior:
        """The prior of the given rank, or of the rank before the largest spectral gap."""
        basis, variances, floor = _low_rank(self.moment, rank)
        loading = self.whitener @ basis * np.sqrt(variances)
        left, singular, _ = np.linalg.svd(loading, full_matrices=False)
        return EstimatedPrior(self.mean, left, singular**2, floor)


def debiased_moments(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> DebiasedMoments:
    """w_0 by least squares pooled over all contexts, and the second moment of w − w_0.

    With x̃ = S⁻¹x the rows have covariance I and the weights w̃ = S(w − w_0). The interpolants
    X̃⁺(Y − Xŵ_0) then have the second moment aM + b tr(M) I + noise, M = S Σ_w S, which is inverted
    for M (`theory.interpolation_moments`). They amplify the noise by n/(d − n − 1), so a context of
    more than d/2 rows is cut into equal blocks of d/2 rows at most, each with its own interpolant.
    """
    n, d = x.shape[1:]
    _require(
        len(x) * n >= d,
        f"{len(x)} training contexts of {n} rows: pooled least squares needs at least d = {d} rows",
    )
    rows = x.reshape(-1, d).astype(np.float64)
    mean = np.linalg.lstsq(rows, y.reshape(-1).astype(np.float64))[0]
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    _require_visible(values)
    whitener = (vectors / np.sqrt(values)) @ vectors.T

    blocks = -(-n // max(d // 2, 1))
    length = n // blocks
    x = x[:, : blocks * length].reshape(-1, length, d)
    y = y[:, : blocks * length].reshape(-1, length)
    w_hat = in_batches(lambda x, y: least_squares(x @ whitener, y - x @ mean), x, y)
    second = w_hat.T @ w_hat / len(w_hat)
    a, b = interpolation_moments(d, length)
    moment = (second - b / (a + b * d) * np.trace(second) * np.eye(d)) / a
    return DebiasedMoments(mean, whitener, moment)


def _low_rank(
    covariance: np.ndarray, rank: int | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Leading eigenvectors, their eigenvalues above the noise floor, and the floor."""
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = spectral_rank(values) if rank is None else rank
    floor = float(values[rank:].mean()) if rank < len(values) else 0.0
    return vectors[:, :rank], np.maximum(values[:rank] - floor, 0), floor


def _require_visible(values: np.ndarray) -> None:
    if values[0] < SINGULAR * values[-1]:
        raise NotComputable(
            f"the covariance of the pooled rows has eigenvalues from {values[0]:.0e} to "
            f"{values[-1]:.0e}, further apart than {1 / SINGULAR:.0e}: w_0 and Σ_w are not "
            "determined in directions not seen; use empirical_bayes, which leaves those out"
        )


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise NotComputable(sentence + "; raise train_contexts")

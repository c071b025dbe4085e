"""Empirical Bayes (EM): maximum likelihood of the linear mixed model, then the posterior mean.

    Y_j = X_j (w_0 + A z_j) + ε_j,   z_j ~ N(0, I_r),   ε_j ~ N(0, σ² I),   Σ_w = A Aᵀ        (ours)

The strongest classical rival: it knows what the transformer knows, the training contexts alone.
It runs in coordinates in which the pooled rows have covariance I; directions that they hardly see
are left out, for there the likelihood is flat, and noise would be fitted: ŵ is 0 in them.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from nao.estimators.estimator import NotComputable
from nao.estimators.oracle import GaussianModel
from nao.estimators.two_stage import DebiasedMoments, EstimatedPrior, debiased_moments
from nao.tasks.problems import Contexts

#: Iterations at most, and the gain in log-likelihood at which to stop: what one parameter's
#: uncertainty is worth is half a unit
ITERATIONS, TOLERANCE = 500, 0.01
#: Unknowns of (w_0, A) up to which their dense system is solved at each iteration: 0.1 GB.
UNKNOWNS = 3500
#: Principal axes of the pooled rows that are kept have a variance above this share of the largest.
VISIBLE = 1e-4


class Undetermined(NotComputable):
    """The contexts are too few for a model of so many directions."""


@dataclass(frozen=True, eq=False)
class MixedModel(GaussianModel):
    """A fitted model and the log-likelihood of the contexts it was fitted to."""

    log_likelihood: float = -np.inf

    def bic(self, contexts: int) -> float:
        """−2 log L + k log N; A counts up to rotation, contexts are the independent units."""
        d, r = self.loading.shape
        parameters = d + d * r - r * (r - 1) // 2 + 1
        return parameters * np.log(contexts) - 2 * self.log_likelihood


def fit_mixed_model(training: Contexts, rank: int | None = None) -> MixedModel:
    """Maximum likelihood by EM from the debiased moments; the rank by BIC unless given.

    The search for the rank starts from the spectral gap of the debiased moments and climbs one
    step at a time while BIC falls, upwards first, to n at most: no context tells more directions.
    Where the contexts do not determine so many directions, it starts from fewer. Memory is
    8 B (nd + d(d+1)/2) bytes. Raises `NotComputable` where they determine no model (for a given
    rank: not that one), and where d (r + 1) exceeds `UNKNOWNS`.
    """
    axes = visible_axes(training.x)
    reduced = Contexts(training.x @ axes, training.y)
    model = _fit_reduced(reduced, rank)
    return replace(model, mean=axes @ model.mean, loading=axes @ model.loading)


def visible_axes(x: Float[np.ndarray, "batch n d"]) -> Float[np.ndarray, "d p"]:
    """P = Q_p Λ_p^{-1/2}, with which the pooled rows of X P have the second moment I."""
    rows = x.reshape(-1, x.shape[2]).astype(np.float64)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    kept = values > VISIBLE * values[-1]
    return vectors[:, kept] / np.sqrt(values[kept])


def _fit_reduced(training: Contexts, rank: int | None) -> MixedModel:
    statistics = Statistics(training.x, training.y)
    moments = debiased_moments(training.x, training.y)
    if rank is not None:
        return _fit(statistics, moments.prior(rank))
    largest = min(statistics.n, statistics.d)
    best = _first(statistics, moments, min(len(moments.prior().variances), largest))
    start = best.loading.shape[1]
    for direction in (1, -1):
        while 1 <= (rank := best.loading.shape[1] + direction) <= largest:
            try:
                candidate = _fit(statistics, moments.prior(rank))
            except NotComputable:
                break  # so many directions cannot be told apart, and fewer could
            if candidate.bic(len(training)) >= best.bic(len(training)):
                break
            best = candidate
        if best.loading.shape[1] != start:
            break
    return best


def _first(statistics: "Statistics", moments: DebiasedMoments, rank: int) -> MixedModel:
    """The model of that many directions, or of as many below as the contexts determine."""
    try:
        return _fit(statistics, moments.prior(rank))
    except Undetermined:
        if rank == 1:
            raise
    return _first(statistics, moments, rank - 1)


class Statistics:
    """Training contexts in float64, with X_jᵀX_j (upper triangles) and X_jᵀY_j."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        self.x, self.y = x.astype(np.float64), y.astype(np.float64)
        self.count, self.n, self.d = x.shape
        self.triangle = np.triu_indices(self.d)
        self.gram = np.empty((self.count, len(self.triangle[0])))
        for i in range(0, self.count, 256):
            batch = self.x[i : i + 256]
            self.gram[i : i + 256] = (batch.transpose(0, 2, 1) @ batch)[:, *self.triangle]
        self.moment = (self.y[:, None] @ self.x)[:, 0]

    def residual(self, mean: np.ndarray, loading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Y − X w_0 and S = X A."""
        both = self.x @ np.column_stack([mean, loading])
        return self.y - both[:, :, 0], both[:, :, 1:]

    def solve(self, first: np.ndarray, second: np.ndarray, penalty: float = 0.0) -> np.ndarray:
        """Θ (d, r+1) of Σ_j X_jᵀX_j Θ E[u_j u_jᵀ] + penalty Θ = Σ_j X_jᵀY_j E[u_j]ᵀ.

        `first` is E[u_j], `second` is E[u_j u_jᵀ]: d(r+1) unknowns.
        """
        from scipy.linalg import cho_factor, cho_solve  # here, for it is slow to load

        size = first.shape[1]
        upper = second.reshape(self.count, -1).T @ self.gram
        blocks = np.zeros((size * size, self.d, self.d))
        blocks[:, *self.triangle] = upper
        blocks[:, *self.triangle[::-1]] = upper
        system = blocks.reshape(size, size, self.d, self.d).transpose(0, 2, 1, 3)
        system = system.reshape(size * self.d, -1)
        system.flat[:: len(system) + 1] += penalty
        right = first.T @ self.moment
        try:
            factor = cho_factor(system, overwrite_a=True)
        except ValueError:  # not finite or, as LinAlgError, not positive definite
            raise Undetermined(
                f"{self.count} training contexts of {self.n} rows do not determine w_0 and "
                f"{size - 1} directions of A; give more contexts"
            ) from None
        return cho_solve(factor, right.ravel()).reshape(size, self.d).T


def _fit(statistics: Statistics, prior: EstimatedPrior) -> MixedModel:
    """EM with expanded parameters (PX-EM): the M-step lets z ~ N(m, R), folded back into w_0, A."""
    rows = statistics.count * statistics.n
    unknowns = prior.basis.size + statistics.d
    if unknowns > UNKNOWNS:
        raise NotComputable(
            f"w_0 and {len(prior.variances)} directions of A are {unknowns} unknowns, more than "
            f"the {UNKNOWNS} of which EM solves the dense system; lower the prior's rank or d"
        )
    model = _start(statistics, prior)
    for _ in range(ITERATIONS):
        # E-step: z_j | Y_j ~ N(z, covariance)
        residual, s = statistics.residual(model.mean, model.loading)
        st, sigma2 = s.transpose(0, 2, 1), model.noise_variance
        precision = np.eye(s.shape[2]) + st @ s / sigma2
        covariance = np.linalg.inv(precision)
        z = (covariance @ (st @ residual[:, :, None]))[:, :, 0] / sigma2

        unexplained = np.sum(residual * (residual - (s @ z[:, :, None])[:, :, 0]))
        log_likelihood = -0.5 * (
            rows * np.log(2 * np.pi * sigma2)
            + np.sum(np.linalg.slogdet(precision)[1])
            + unexplained / sigma2
        )
        gain = log_likelihood - model.log_likelihood
        model = replace(model, log_likelihood=float(log_likelihood))
        if gain < TOLERANCE:
            break

        # M-step: (w_0, A) jointly with u = (1, z), then σ², then z's own moments
        u = np.column_stack([np.ones(len(z)), z])
        second = u[:, :, None] * u[:, None, :]
        second[:, 1:, 1:] += covariance
        theta = statistics.solve(u, second)
        residual, s = statistics.residual(theta[:, 0], theta[:, 1:])
        squares = np.sum((residual - (s @ z[:, :, None])[:, :, 0]) ** 2)
        spread = np.sum((s.transpose(0, 2, 1) @ s) * covariance)
        moments = second.mean(axis=0)
        shift = moments[0, 1:]
        scale = np.linalg.cholesky(moments[1:, 1:] - np.outer(shift, shift))
        model = replace(
            model,
            mean=theta[:, 0] + theta[:, 1:] @ shift,
            loading=theta[:, 1:] @ scale,
            noise_variance=float((squares + spread) / rows),
        )
    return model


def _start(statistics: Statistics, prior: EstimatedPrior) -> MixedModel:
    """Debiased moments, with a noise level that leaves the first E-step room to err."""
    # A column of A that starts at zero would stay there.
    largest = prior.variances[0] or 1.0
    variances = np.maximum(prior.variances, 1e-3 * largest)
    residual = statistics.y - statistics.x @ prior.mean
    return MixedModel(
        prior.mean, prior.basis * np.sqrt(variances), float(0.1 * np.mean(residual**2))
    )

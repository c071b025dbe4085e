"""EM for a mixture of Gaussians of low rank, w ~ Σ_k p_k N(m_k, A_k A_kᵀ), seen through contexts.

    Y_j = X_j (m_k + A_k z_j) + ε_j,   k ~ p,   z_j ~ N(0, I_r),   ε_j ~ N(0, σ² I)      (ours)

The classical rival where the prior is not Gaussian. K and r are those that make contexts left out
of the fit likeliest; as `empirical_bayes`, it runs in the directions that the rows see.
"""

from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from jaxtyping import Float

from nao.estimators.empirical_bayes import Statistics, visible_axes
from nao.estimators.estimator import NotComputable
from nao.estimators.gaussian_em import fit_gaussian
from nao.tasks.mixtures import GaussianMixture, Posterior
from nao.tasks.problems import Contexts

#: Iterations at most, and the gain in log-likelihood per context at which to stop
ITERATIONS, TOLERANCE = 100, 1e-4
LINEAR_ITERATIONS = 15  # of the Gaussian model whose estimates are clustered for a start
STARTS, TRIAL = 3, 10  # clusterings tried for each K and r, and iterations that tell the best
SEARCHED, LEFT_OUT = 3000, 5  # contexts to choose K and r by, and one in how many is left out
COMPONENTS, RANKS = (1, 2, 4, 8, 16, 32), (1, 2, 4, 8, 16)  # tried, in this order


@dataclass(frozen=True, eq=False)
class MixtureModel:
    """A fitted mixture, its noise, and the mean log-likelihood of the contexts it was fitted to."""

    mixture: GaussianMixture
    noise_variance: float
    log_likelihood: float = -np.inf

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        """Estimate of w_0."""
        return self.mixture.mean

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Estimate of Σ_w."""
        return self.mixture.covariance

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """The posterior mean under the fitted model."""
        return self._posterior(test).mean

    def variance(self, test: Contexts) -> Float[np.ndarray, " batch"]:
        """tr Cov(w | X, Y) under the fitted model."""
        return self._posterior(test).variance

    def _posterior(self, test: Contexts) -> Posterior:
        return self.mixture.posterior(test.x, test.y, float(np.sqrt(self.noise_variance)))


def fit_mixture(training: Contexts) -> MixtureModel:
    """K and r by held-out likelihood on the first contexts, then EM on all from there."""
    if len(training) < 2 * LEFT_OUT:
        raise NotComputable(
            f"{len(training)} training contexts: to choose K and r at least {2 * LEFT_OUT} are "
            "needed; raise train_contexts"
        )
    axes = visible_axes(training.x)
    reduced = Contexts(training.x @ axes, training.y)
    best = _search(Contexts(reduced.x[:SEARCHED], reduced.y[:SEARCHED]))
    model = maximise(Statistics(reduced.x, reduced.y), best)
    means, loadings = model.mixture.means @ axes.T, axes @ model.mixture.loadings
    return replace(model, mixture=GaussianMixture(model.mixture.weights, means, loadings))


def _search(contexts: Contexts) -> MixtureModel:
    """Doubles K while contexts left out gain, for one r after another while the best of r gains."""
    left_out = np.arange(len(contexts)) % LEFT_OUT == 0
    x, y = contexts.x[left_out], contexts.y[left_out]
    statistics = Statistics(contexts.x[~left_out], contexts.y[~left_out])
    linear, noise_variance = linear_estimates(statistics.x, statistics.y)
    best, best_score = None, -np.inf
    for rank in RANKS:
        gained, previous = False, -np.inf
        for components in COMPONENTS:
            if rank > statistics.d or components * (rank + 1) > statistics.count / 2:
                break
            starts = [
                maximise(statistics, clustered(linear, components, rank, noise_variance, i), TRIAL)
                for i in range(STARTS if components > 1 else 1)
            ]
            model = maximise(statistics, max(starts, key=lambda each: each.log_likelihood))
            posterior = model.mixture.posterior(x, y, float(np.sqrt(model.noise_variance)))
            score = float(posterior.evidence.mean())
            if score > best_score:
                best, best_score, gained = model, score, True
            if score < previous:
                break
            previous = score
        if not gained:
            break
    assert best is not None
    return best


def maximise(
    statistics: Statistics, start: MixtureModel, iterations: int = ITERATIONS
) -> MixtureModel:
    """EM from a start: no step lowers the likelihood, up to a weak penalty that keeps Θ_k finite.

    The penalty is that of entries of m_k and A_k drawn from N(0, v), v the mean square of those at
    the start: a component with few contexts would otherwise have no solution.
    """
    model, count = start, statistics.count
    spread = np.mean(start.mixture.means**2) + np.mean(np.sum(start.mixture.loadings**2, axis=2))
    for _ in range(iterations):
        posteriors = [_posterior(statistics, model, k) for k in range(len(model.mixture.weights))]
        joint = np.stack([evidence for *_, evidence in posteriors])
        total = np.logaddexp.reduce(joint, axis=0)
        gain = total.mean() - model.log_likelihood
        model = replace(model, log_likelihood=float(total.mean()))
        if gain < TOLERANCE:
            break
        # A component that explains less than one context dies out.
        alive = np.exp(joint - total).sum(axis=1) >= 1
        shares = np.exp(joint[alive] - np.logaddexp.reduce(joint[alive], axis=0))
        parts = [
            _maximised(statistics, share, z, covariance, model.noise_variance / spread)
            for share, (z, covariance, _) in zip(shares, compress(posteriors, alive), strict=True)
        ]
        means, loadings, squares = zip(*parts, strict=True)
        mixture = GaussianMixture(shares.mean(axis=1), np.stack(means), np.stack(loadings))
        noise_variance = sum(squares) / (count * statistics.n)
        model = replace(model, mixture=mixture, noise_variance=noise_variance)
    return model


def _maximised(
    statistics: Statistics,
    share: Float[np.ndarray, " batch"],
    z: Float[np.ndarray, "batch r"],
    covariance: Float[np.ndarray, "batch r r"],
    penalty: float,
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "d r"], float]:
    """m_k, A_k and the squares that they leave, of a component with these shares of the contexts.

    z may have any Gaussian law, whose moments are folded back into m_k and A_k (PX-EM).
    """
    u = np.column_stack([np.ones(len(z)), z])
    second = u[:, :, None] * u[:, None, :]
    second[:, 1:, 1:] += covariance
    theta = statistics.solve(share[:, None] * u, share[:, None, None] * second, penalty)
    residual, s = statistics.residual(theta[:, 0], theta[:, 1:])
    errors = np.sum((residual - (s @ z[:, :, None])[:, :, 0]) ** 2, axis=1)
    errors += np.sum((s.transpose(0, 2, 1) @ s) * covariance, axis=(1, 2))
    moments = np.tensordot(share, second, 1) / share.sum()
    shift = moments[0, 1:]
    scale = np.linalg.cholesky(moments[1:, 1:] - np.outer(shift, shift))
    mean, loading = theta[:, 0] + theta[:, 1:] @ shift, theta[:, 1:] @ scale
    return mean, loading, float(share @ errors)


def _posterior(
    statistics: Statistics, model: MixtureModel, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and covariance of z_j and ln p_k p(Y_j | X_j, k), as in `GaussianMixture.posterior`."""
    mixture, variance = model.mixture, model.noise_variance
    residual, s = statistics.residual(mixture.means[k], mixture.loadings[k])
    st, r = s.transpose(0, 2, 1), s.shape[2]
    precision = np.eye(r) + st @ s / variance
    covariance = np.linalg.inv(precision)
    z = (covariance @ (st @ residual[:, :, None]))[:, :, 0] / variance
    unexplained = np.sum(residual * (residual - (s @ z[:, :, None])[:, :, 0]), axis=1)
    with np.errstate(divide="ignore"):
        weight = np.log(mixture.weights[k])
    evidence = weight - 0.5 * (
        statistics.n * np.log(2 * np.pi * variance)
        + np.linalg.slogdet(precision)[1]
        + unexplained / variance
    )
    return z, covariance, evidence


def linear_estimates(
    x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
) -> tuple[Float[np.ndarray, "batch d"], float]:
    """ŵ of each context under one Gaussian of full rank, by a few steps of EM, and its σ²."""
    contexts = Contexts(x, y)
    model = fit_gaussian(contexts, LINEAR_ITERATIONS)
    return model.estimate(contexts), model.noise_variance


def clustered(
    w_hat: Float[np.ndarray, "batch d"],
    components: int,
    rank: int,
    noise_variance: float,
    seed: int = 0,
) -> MixtureModel:
    """A start: clusters of linear estimates, with their means and leading principal axes."""
    from sklearn.cluster import KMeans  # here, for it is slow to load

    once: Any = 1  # the stub of scikit-learn knows the name "auto" alone
    labels = KMeans(components, n_init=once, random_state=seed).fit_predict(w_hat)
    weights, means, loadings = [], [], []
    for k in range(components):
        members = w_hat[labels == k]
        centre = members.mean(axis=0)
        _, s, vt = np.linalg.svd(members - centre, full_matrices=False)
        axes = np.zeros((w_hat.shape[1], rank))
        kept = min(rank, len(s))
        axes[:, :kept] = vt[:kept].T * s[:kept] / np.sqrt(len(members))
        weights.append(len(members) / len(w_hat))
        means.append(centre)
        loadings.append(axes)
    return MixtureModel(
        GaussianMixture(np.array(weights), np.stack(means), np.stack(loadings)), noise_variance
    )

"""Task distributions: y_i = <x_i, w> + ε_i with w drawn anew from one prior for each context.

A problem is a design (the law of x), a prior (of w) and a noise; a context is n rows that share one
w. In the slides' own problem (section 3) w = w_0 + U Λ^{1/2} z, x_i ~ N(0, Σ_x), ε_i ~ N(0, σ_ε²).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from nao.specs import ProblemSpec
from nao.tasks.designs import Design, draw_design
from nao.tasks.mixtures import Posterior
from nao.tasks.noise import Noise
from nao.tasks.priors import Prior, draw_prior


@dataclass(frozen=True, eq=False)
class Contexts:
    """A batch of contexts; w is None where the truth is unknown or must not be seen."""

    x: Float[np.ndarray, "batch n d"]
    y: Float[np.ndarray, "batch n"]
    w: Float[np.ndarray, "batch d"] | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Problem:
    """The truth behind a data set, and the moments by which estimators and theory know it."""

    design: Design
    prior: Prior
    noise: Noise

    @property
    def dimension(self) -> int:
        """d, the length of w."""
        return self.prior_basis.shape[0]

    @property
    def task_dimension(self) -> int:
        """r_w = rank(Σ_w)."""
        return self.prior_basis.shape[1]

    @property
    def prior_mean(self) -> Float[np.ndarray, " d"]:
        """w_0 = E w."""
        return self.prior.mean

    @property
    def prior_basis(self) -> Float[np.ndarray, "d r"]:
        """U of Σ_w = U Λ Uᵀ."""
        return self.prior.basis

    @property
    def prior_variances(self) -> Float[np.ndarray, " r"]:
        """Λ, falling."""
        return self.prior.variances

    @property
    def prior_covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_w = U Λ Uᵀ."""
        return (self.prior_basis * self.prior_variances) @ self.prior_basis.T

    @property
    def design_covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_x = E[x xᵀ]."""
        return self.design.covariance

    @property
    def noise_std(self) -> float:
        """σ_ε."""
        return self.noise.std

    @property
    def gaussian(self) -> bool:
        """Whether w and ε are, so that the posterior mean is the best linear estimator."""
        mixture = self.prior.mixture
        one = mixture is not None and len(mixture.weights) == 1
        return one and self.noise.law == "gaussian" and self.noise.spread == 1

    def posterior(
        self, x: Float[np.ndarray, "batch n d"], y: Float[np.ndarray, "batch n"]
    ) -> Posterior | None:
        """E[w | X, Y], the best of all estimators, and its expected square error.

        None where they have no form that we can compute. Where contexts differ in σ_ε, they are
        averages over σ_ε by its evidence.
        """
        mixture = self.prior.mixture
        if mixture is None or self.noise.law != "gaussian" or self.noise.centre == 0:
            return None
        nodes, weights = self.noise.quadrature()
        each = (mixture.posterior(x, y, node) for node in nodes)
        means, evidences, variances = map(np.stack, zip(*each, strict=True))
        joint = np.log(weights)[:, None] + evidences
        evidence = np.logaddexp.reduce(joint, axis=0)
        shares = np.exp(joint - evidence)
        mean = np.einsum("kb,kbd->bd", shares, means)
        away = np.sum((means - mean) ** 2, axis=2)
        return Posterior(mean, evidence, np.sum(shares * (variances + away), axis=0))


def draw_problem(spec: ProblemSpec, seed: int) -> Problem:
    """The problem of this specification and seed, from streams of its own.

    For the slides' problem U is the first r_w columns of one Haar-distributed orthogonal matrix,
    w_0 a Gaussian vector with E‖w_0‖² = mean_norm², Λ evenly spaced from variance_max to
    variance_min, and Σ_x = Q diag(1 … 1/κ) Qᵀ with eigenvalues evenly spaced in log scale. U, w_0
    and Q depend on seed and d alone, so the points of a sweep over r_w, σ_ε or κ share them.
    """
    design = draw_design(spec.design, spec.dimension, seed)
    prior = draw_prior(spec.prior, spec.dimension, seed)
    std = spec.noise.std
    if std is None:
        assert spec.noise.ratio is not None
        std = spec.noise.ratio * _signal(design, prior)
    return Problem(design, prior, Noise(spec.noise.law, std, spec.noise.spread))


def sample_contexts(
    problem: Problem,
    context_length: int,
    count: int,
    rng: Generator,
    dtype: type[np.floating] = np.float64,
    role: str = "train",
) -> Contexts:
    """Draw `count` contexts of `context_length` rows each, in the precision `dtype`."""
    w = problem.prior.draw(rng, count, dtype, role)
    x = problem.design.draw(rng, count, context_length, dtype)
    noise = problem.noise.draw(rng, (count, context_length), dtype)
    return Contexts(x, (x @ w[:, :, None])[:, :, 0] + noise, w)


def _signal(design: Design, prior: Prior) -> float:
    """The root mean square of <x, w>: E<x, w>² = tr Σ_x (w_0w_0ᵀ + Σ_w)."""
    axes = np.column_stack([prior.mean, prior.basis * np.sqrt(prior.variances)])
    return float(np.sqrt(np.sum(axes * (design.covariance @ axes))))

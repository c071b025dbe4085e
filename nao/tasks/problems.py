"""Task distributions: y_i = <x_i, w> + ε_i with w drawn anew from one prior for each context.

    w = w_0 + U Λ^{1/2} z,   x_i ~ N(0, Σ_x),   ε_i with variance σ_ε²        (slides, section 3)

A problem is (w_0, U, Λ, Σ_x, σ_ε); a context is n rows that share one w.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from nao.seeding import stream
from nao.specs import ProblemSpec

# ASSUME: the sources name no degrees of freedom; five is heavy-tailed with a finite kurtosis.
STUDENT_DEGREES = 5


def _gaussian(rng: Generator, shape: tuple[int, ...], dtype: type[np.floating]) -> np.ndarray:
    return rng.standard_normal(shape, dtype)


def _uniform(rng: Generator, shape: tuple[int, ...], dtype: type[np.floating]) -> np.ndarray:
    return dtype(np.sqrt(12)) * (rng.random(shape, dtype) - dtype(0.5))


def _laplace(rng: Generator, shape: tuple[int, ...], dtype: type[np.floating]) -> np.ndarray:
    return rng.laplace(scale=np.sqrt(0.5), size=shape).astype(dtype, copy=False)


def _student_t(rng: Generator, shape: tuple[int, ...], dtype: type[np.floating]) -> np.ndarray:
    scale = np.sqrt((STUDENT_DEGREES - 2) / STUDENT_DEGREES)
    return (scale * rng.standard_t(STUDENT_DEGREES, shape)).astype(dtype, copy=False)


Law = Callable[[Generator, tuple[int, ...], type[np.floating]], np.ndarray]

#: name -> draw(rng, shape, dtype) of independent entries with mean 0 and variance 1
UNIT_LAWS: dict[str, Law] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "laplace": _laplace,
    "student_t": _student_t,
}


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
    """The truth behind a dataset: w ~ (w_0, U Λ Uᵀ), x_i ~ N(0, Σ_x), ε_i of variance σ_ε²."""

    prior_mean: Float[np.ndarray, " d"]
    prior_basis: Float[np.ndarray, "d r"]
    prior_variances: Float[np.ndarray, " r"]
    design_covariance: Float[np.ndarray, "d d"]
    noise_std: float
    prior: str = "gaussian"
    noise: str = "gaussian"

    @property
    def dimension(self) -> int:
        """d, the length of w."""
        return self.prior_basis.shape[0]

    @property
    def task_dimension(self) -> int:
        """r_w = rank(Σ_w)."""
        return self.prior_basis.shape[1]

    @property
    def prior_covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_w = U Λ Uᵀ."""
        return (self.prior_basis * self.prior_variances) @ self.prior_basis.T

    @cached_property
    def design_factor(self) -> Float[np.ndarray, "d d"] | None:
        """The upper triangular R with RᵀR = Σ_x; None where Σ_x is the identity."""
        if np.array_equal(self.design_covariance, np.eye(self.dimension)):
            return None
        return np.linalg.cholesky(self.design_covariance, upper=True)


def draw_problem(spec: ProblemSpec, seed: int) -> Problem:
    """The problem of this specification and seed, from streams of its own.

    U is the first r_w columns of one Haar-distributed orthogonal matrix, w_0 a Gaussian vector with
    E‖w_0‖² = prior_mean_norm², Λ evenly spaced from prior_variance_max to prior_variance_min, and
    Σ_x = Q diag(1 … 1/κ) Qᵀ with eigenvalues evenly spaced in log scale. U, w_0 and Q depend on
    seed and d alone, so the points of a sweep over r_w, σ_ε or κ share them.
    """
    d = spec.dimension
    basis = _orthogonal(stream(seed, "problem", "prior_basis"), d)[:, : spec.task_dimension]
    direction = stream(seed, "problem", "prior_mean").standard_normal(d)
    return Problem(
        prior_mean=spec.prior_mean_norm / np.sqrt(d) * direction,
        prior_basis=np.ascontiguousarray(basis),
        prior_variances=np.linspace(
            spec.prior_variance_max, spec.prior_variance_min, spec.task_dimension
        ),
        design_covariance=_design_covariance(seed, d, spec.design_condition),
        noise_std=spec.noise_std,
        prior=spec.prior,
        noise=spec.noise,
    )


def sample_contexts(
    problem: Problem,
    context_length: int,
    count: int,
    rng: Generator,
    dtype: type[np.floating] = np.float64,
) -> Contexts:
    """Draw `count` contexts of `context_length` rows each, in the precision `dtype`."""
    z = UNIT_LAWS[problem.prior](rng, (count, problem.task_dimension), dtype)
    loading = problem.prior_basis * np.sqrt(problem.prior_variances)
    w = problem.prior_mean.astype(dtype) + z @ loading.T.astype(dtype)

    x = rng.standard_normal((count, context_length, problem.dimension), dtype)
    if problem.design_factor is not None:
        x = x @ problem.design_factor.astype(dtype)

    noise = UNIT_LAWS[problem.noise](rng, (count, context_length), dtype)
    y = (x @ w[:, :, None])[:, :, 0] + dtype(problem.noise_std) * noise
    return Contexts(x, y, w)


def _orthogonal(rng: Generator, d: int) -> Float[np.ndarray, "d d"]:
    """A Haar-distributed orthogonal matrix: Q of a Gaussian matrix, signs fixed by diag(R) > 0."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _design_covariance(seed: int, d: int, condition: float) -> Float[np.ndarray, "d d"]:
    """Σ_x with λ_max = 1 and condition number κ; the identity for κ = 1."""
    if condition == 1:
        return np.eye(d)
    q = _orthogonal(stream(seed, "problem", "design_basis"), d)
    covariance = (q * np.geomspace(1, 1 / condition, d)) @ q.T
    return (covariance + covariance.T) / 2

"""Designs: the law of the rows of X. Each knows its second moment Σ_x, with λ_max(Σ_x) = 1.

Operator rows discretise R_φ[u](x) = ∫_0^1 φ(z) g[u](x, z) dz on the torus of length 2, which is
twice the reach of φ, so that no kernel wraps round. On the midpoints z_j = (j − ½)/d the unknown is
w_j = φ(z_j)/√d, so ‖w‖ = ‖φ‖ in L²(0, 1), and a row is

    X_ij = c g[u_i](x_i, z_j)/√d,    u = v, or 1 + v/3 for the aggregation (a density),
    v(x) = Σ_k a_k (ξ_k cos πkx + η_k sin πkx),    a_k ∝ k^-s, Σ a_k² = 1, ξ, η ~ N(0, 1)

with c fixed by λ_max(Σ_x) = 1. A context has few functions v; each row draws one of them and a
point x ~ U[0, 2), so its rows are exchangeable, and independent only given the functions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Complex, Float
from numpy.random import Generator

from nao.seeding import stream
from nao.specs.tasks import DesignSpec, OperatorDesignSpec

MEAN_DENSITY, DENSITY_RMS = 1.0, 1 / 3  # of u in the aggregation: positive at 99.9 % of points


@runtime_checkable
class Design(Protocol):
    """The law of the rows of X."""

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_x = E[x xᵀ]; every design here has mean 0."""
        ...

    def draw(
        self, rng: Generator, count: int, rows: int, dtype: type[np.floating]
    ) -> Float[np.ndarray, "count rows d"]:
        """Designs of `count` contexts."""
        ...


def draw_design(spec: DesignSpec, dimension: int, seed: int) -> Design:
    """The design of a specification; what is random in it comes from a stream of its own."""
    if isinstance(spec, OperatorDesignSpec):
        return OperatorDesign(spec, dimension)
    return GaussianDesign(_spread_covariance(seed, dimension, spec.condition))


@dataclass(frozen=True, eq=False)
class GaussianDesign:
    """Independent rows x_i ~ N(0, Σ_x)."""

    covariance: Float[np.ndarray, "d d"]

    @cached_property
    def factor(self) -> Float[np.ndarray, "d d"] | None:
        """The upper triangular R with RᵀR = Σ_x; None where Σ_x is the identity."""
        if np.array_equal(self.covariance, np.eye(len(self.covariance))):
            return None
        return np.linalg.cholesky(self.covariance, upper=True)

    def draw(
        self, rng: Generator, count: int, rows: int, dtype: type[np.floating]
    ) -> Float[np.ndarray, "count rows d"]:
        """Standard normal entries times R."""
        x = rng.standard_normal((count, rows, len(self.covariance)), dtype)
        return x if self.factor is None else x @ self.factor.astype(dtype)


@dataclass(frozen=True, eq=False)
class OperatorDesign:
    """Rows of an integral, nonlocal or aggregation operator on d midpoints."""

    spec: OperatorDesignSpec
    dimension: int

    @property
    def mesh(self) -> Float[np.ndarray, " d"]:
        """z_j = (j − ½)/d."""
        return (np.arange(self.dimension) + 0.5) / self.dimension

    @property
    def frequencies(self) -> Float[np.ndarray, " modes"]:
        """πk."""
        return np.pi * np.arange(1, self.spec.modes + 1)

    @cached_property
    def amplitudes(self) -> Float[np.ndarray, " modes"]:
        """a_k of u − E u."""
        a = np.arange(1, self.spec.modes + 1) ** -self.spec.smoothness
        rms = DENSITY_RMS if self.spec.operator == "aggregation" else 1.0
        return rms * a / np.linalg.norm(a)

    @cached_property
    def kernel_moment(self) -> Float[np.ndarray, "d d"]:
        """E[g(x, z_j) g(x, z_l)] by C(h) = Σ a_k² cos πkh and, for products, Isserlis' theorem."""
        z, weights, omega = self.mesh, self.amplitudes**2, self.frequencies

        def c(h: np.ndarray) -> np.ndarray:
            return np.asarray(np.cos(np.multiply.outer(h, omega)) @ weights)

        def first(h: np.ndarray) -> np.ndarray:
            return -np.sin(np.multiply.outer(h, omega)) @ (weights * omega)

        def second(h: np.ndarray) -> np.ndarray:
            return np.asarray(-np.cos(np.multiply.outer(h, omega)) @ (weights * omega**2))

        lag, zero = z[:, None] - z, np.zeros(())
        if self.spec.operator == "integral":
            return c(lag)
        if self.spec.operator == "nonlocal":
            return c(lag) - c(z)[:, None] - c(z) + c(zero)
        linear = second(lag) + second(z)[:, None] + second(z) + second(zero)
        products = second(lag) * c(zero) + c(lag) * second(zero)
        products += np.outer(second(z), c(z)) + np.outer(c(z), second(z))
        products -= 2 * np.outer(first(z), first(z))
        return -(MEAN_DENSITY**2) * linear - products

    @cached_property
    def scale(self) -> float:
        """c/√d, with which λ_max(Σ_x) = 1."""
        return float(1 / np.sqrt(np.linalg.eigvalsh(self.kernel_moment)[-1]))

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Σ_x, analytic."""
        return self.scale**2 * self.kernel_moment

    def draw(
        self, rng: Generator, count: int, rows: int, dtype: type[np.floating]
    ) -> Float[np.ndarray, "count rows d"]:
        """Functions of every context, then the function and the point of each row."""
        spec = self.spec
        xi, eta = rng.standard_normal((2, count, spec.functions, spec.modes))
        chosen = rng.integers(spec.functions, size=(count, rows, 1))
        points = rng.uniform(0, 2, (count, rows, 1))
        waves = np.take_along_axis(self.amplitudes * (xi - 1j * eta), chosen, axis=1)
        values = self.kernel_values(waves * np.exp(1j * points * self.frequencies), self.mesh)
        return (self.scale * values).astype(dtype)

    def kernel_values(
        self, waves: Complex[np.ndarray, "... modes"], z: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, "... points"]:
        """g[u](x, z) of u − E u = Re Σ_k b_k, given the waves b_k at x; b_k e^{iπkh} at x + h.

        Exact: no derivative or integral is discretised.
        """
        back = np.exp(-1j * np.multiply.outer(self.frequencies, z))
        if self.spec.operator == "integral":
            return np.real(waves @ back)
        if self.spec.operator == "nonlocal":
            return np.real(waves @ (back.conj() - 1))
        slopes = 1j * self.frequencies * waves
        here, there = (MEAN_DENSITY + np.real(v) for v in (waves.sum(-1)[..., None], waves @ back))
        return np.real(slopes @ back) * here + there * np.real(slopes.sum(-1))[..., None]


def orthogonal(rng: Generator, d: int) -> Float[np.ndarray, "d d"]:
    """A Haar-distributed orthogonal matrix: Q of a Gaussian matrix, signs fixed by diag(R) > 0."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _spread_covariance(seed: int, d: int, condition: float) -> Float[np.ndarray, "d d"]:
    """Σ_x with λ_max = 1 and condition number κ, evenly spaced in log scale; I for κ = 1."""
    if condition == 1:
        return np.eye(d)
    q = orthogonal(stream(seed, "problem", "design_basis"), d)
    covariance = (q * np.geomspace(1, 1 / condition, d)) @ q.T
    return (covariance + covariance.T) / 2

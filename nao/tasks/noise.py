"""Laws of independent numbers, and the noise of a context: ε_i of variance σ_ε²."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

# ASSUME: the sources name no degrees of freedom; five is heavy-tailed with a finite kurtosis.
STUDENT_DEGREES = 5
NODES = 24  # of the quadrature over log σ_ε where contexts differ in it


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


@dataclass(frozen=True)
class Noise:
    """ε_i = σ z_i with z_i of a unit law; log σ uniform over log centre ± log spread by context."""

    law: str
    centre: float
    spread: float = 1.0

    @property
    def std(self) -> float:
        """σ_ε, with σ_ε² = E σ² = centre² sinh(2a)/(2a) over all contexts, a = ln spread."""
        width = 2 * np.log(self.spread)
        return self.centre * float(np.sqrt(np.sinh(width) / width)) if width else self.centre

    def draw(
        self, rng: Generator, shape: tuple[int, int], dtype: type[np.floating]
    ) -> Float[np.ndarray, "batch n"]:
        """Noise of contexts with n rows each."""
        std: Float[np.ndarray, "batch 1"] | np.floating = dtype(self.centre)
        if self.spread > 1:
            powers = rng.uniform(-1, 1, (shape[0], 1))
            std = (self.centre * self.spread**powers).astype(dtype)
        return std * UNIT_LAWS[self.law](rng, shape, dtype)

    def quadrature(self) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
        """Values of σ and their probabilities: Gauss and Legendre's in log σ."""
        if self.spread == 1:
            return np.array([self.centre]), np.ones(1)
        powers, weights = np.polynomial.legendre.leggauss(NODES)
        return self.centre * self.spread**powers, weights / 2

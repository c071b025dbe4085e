"""Priors: the law of w. Each knows its moments and, but for the uniform one, its posterior mean."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from nao.seeding import stream
from nao.specs.tasks import (
    COSINES,
    BumpPriorSpec,
    EmpiricalPriorSpec,
    LowRankPriorSpec,
    MixturePriorSpec,
    PriorSpec,
    SparsePriorSpec,
)
from nao.tasks.designs import orthogonal
from nao.tasks.mixtures import GaussianMixture
from nao.tasks.noise import STUDENT_DEGREES, UNIT_LAWS

SUPPORTS = 20_000  # as many supports of a sparse prior are summed over
SCALE_NODES = 64  # of the quadrature over the scale of a Student-t prior
TRAINING_IMAGES = 1197  # of 1,797; test contexts show the others
BUMP_GAIN, BUMP_SPREAD = 3.0, 0.3  # a bump is 3a high, a ~ N(1, 0.3²)
BUMP_CENTRES, BUMP_WIDTHS = (0.2, 0.8), (0.06, 0.15)
BUMP_NODES = (121, 31)  # of the midpoint rule over centres and widths


@runtime_checkable
class Prior(Protocol):
    """The law of w."""

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        """w_0 = E w."""
        ...

    @property
    def basis(self) -> Float[np.ndarray, "d r"]:
        """U of Cov w = U Λ Uᵀ."""
        ...

    @property
    def variances(self) -> Float[np.ndarray, " r"]:
        """Λ, falling."""
        ...

    @property
    def mixture(self) -> GaussianMixture | None:
        """The law as a mixture of Gaussians, exact or by quadrature; None where it is none."""
        ...

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """Independent weights; `role`, train or test, matters where each has data of its own."""
        ...


def draw_prior(spec: PriorSpec, dimension: int, seed: int) -> Prior:
    """The prior of a specification; what is random in it depends on seed and d alone."""
    return PRIORS[type(spec)](spec, dimension, seed)


@dataclass(frozen=True, eq=False)
class LowRankPrior:
    """w = w_0 + U Λ^{1/2} z."""

    law: str
    mean: Float[np.ndarray, " d"]
    basis: Float[np.ndarray, "d r"]
    variances: Float[np.ndarray, " r"]

    @property
    def mixture(self) -> GaussianMixture | None:
        """One Gaussian; for Student's t a scale mixture; none for the uniform law."""
        if self.law == "uniform":
            return None
        scales, weights = _student_scales() if self.law == "student_t" else (np.ones(1), np.ones(1))
        loading = self.basis * np.sqrt(self.variances)
        return GaussianMixture(
            weights, np.tile(self.mean, (len(scales), 1)), scales[:, None, None] * loading
        )

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """Entries z independent, but for Student's t, which is spherical."""
        shape = count, len(self.variances)
        if self.law == "student_t":
            tails = np.sqrt((STUDENT_DEGREES - 2) / rng.chisquare(STUDENT_DEGREES, (count, 1)))
            z = tails.astype(dtype) * rng.standard_normal(shape, dtype)
        else:
            z = UNIT_LAWS[self.law](rng, shape, dtype)
        loading = self.basis * np.sqrt(self.variances)
        return self.mean.astype(dtype) + z @ loading.T.astype(dtype)


class _OfMixture:
    """Moments that are those of a mixture."""

    mixture: GaussianMixture

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        return self.mixture.mean

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        variances, basis = np.linalg.eigh(self.mixture.covariance)
        kept = variances > 1e-10 * variances[-1]
        return basis[:, kept][:, ::-1], variances[kept][::-1]

    @property
    def basis(self) -> Float[np.ndarray, "d r"]:
        return self._axes[0]

    @property
    def variances(self) -> Float[np.ndarray, " r"]:
        return self._axes[1]


@dataclass(frozen=True, eq=False)
class MixturePrior(_OfMixture):
    """One of few Gaussians of low rank."""

    mixture: GaussianMixture

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """The component, then a point of it."""
        chosen = rng.choice(len(self.mixture.weights), count, p=self.mixture.weights)
        z = rng.standard_normal((count, self.mixture.loadings.shape[2]), dtype)
        means, loadings = self.mixture.means[chosen], self.mixture.loadings[chosen]
        return means.astype(dtype) + (loadings.astype(dtype) @ z[:, :, None])[:, :, 0]


@dataclass(frozen=True, eq=False)
class SparsePrior:
    """Gaussian entries of the given variance on a random support."""

    dimension: int
    nonzeros: int
    variance: float

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        """Zero."""
        return np.zeros(self.dimension)

    @property
    def basis(self) -> Float[np.ndarray, "d d"]:
        """The coordinates."""
        return np.eye(self.dimension)

    @property
    def variances(self) -> Float[np.ndarray, " d"]:
        """An entry is not 0 with probability nonzeros/d."""
        return np.full(self.dimension, self.variance * self.nonzeros / self.dimension)

    @property
    def mixture(self) -> GaussianMixture | None:
        """One Gaussian a support, where those are few enough to be summed over."""
        d, s = self.dimension, self.nonzeros
        if (count := comb(d, s)) > SUPPORTS:
            return None
        supports = np.array(list(combinations(range(d), s)))
        loadings = np.zeros((count, d, s))
        loadings[np.arange(count)[:, None], supports, np.arange(s)] = np.sqrt(self.variance)
        return GaussianMixture(np.full(count, 1 / count), np.zeros((count, d)), loadings)

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """The support, then its entries."""
        supports = rng.random((count, self.dimension)).argsort(axis=1)[:, : self.nonzeros]
        w = np.zeros((count, self.dimension), dtype)
        entries = dtype(np.sqrt(self.variance)) * rng.standard_normal(supports.shape, dtype)
        np.put_along_axis(w, supports, entries, axis=1)
        return w


@dataclass(frozen=True, eq=False)
class BumpPrior(_OfMixture):
    """w_j = φ(z_j)/√d for φ(z) = 3a exp(−(z − c)²/2s²), a ~ N(1, 0.3²), c and s uniform."""

    dimension: int

    @cached_property
    def mixture(self) -> GaussianMixture:
        """The midpoint rule over c and s; the height a is Gaussian given them."""
        nodes = [
            low + (high - low) * (np.arange(count) + 0.5) / count
            for (low, high), count in zip((BUMP_CENTRES, BUMP_WIDTHS), BUMP_NODES, strict=True)
        ]
        centres, widths = (grid.ravel() for grid in np.meshgrid(*nodes, indexing="ij"))
        bumps = self.shapes(centres, widths)
        weights = np.full(len(bumps), 1 / len(bumps))
        return GaussianMixture(weights, bumps, BUMP_SPREAD * bumps[:, :, None])

    def shapes(
        self, centres: Float[np.ndarray, " count"], widths: Float[np.ndarray, " count"]
    ) -> Float[np.ndarray, "count d"]:
        """w for a = 1."""
        z = (np.arange(self.dimension) + 0.5) / self.dimension
        squares = ((z - centres[:, None]) / widths[:, None]) ** 2
        return BUMP_GAIN / np.sqrt(self.dimension) * np.exp(-squares / 2)

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """Centres, widths, then heights."""
        bumps = self.shapes(rng.uniform(*BUMP_CENTRES, count), rng.uniform(*BUMP_WIDTHS, count))
        heights = 1 + BUMP_SPREAD * rng.standard_normal((count, 1))
        return (heights * bumps).astype(dtype)


@dataclass(frozen=True, eq=False)
class EmpiricalPrior(_OfMixture):
    """One of the images given; moments and posterior are those of the training images alone."""

    images: dict[str, Float[np.ndarray, "images d"]]

    @property
    def mixture(self) -> GaussianMixture:
        """A point for each training image. On test images its posterior is no lower bound."""
        images = self.images["train"]
        count, d = images.shape
        return GaussianMixture(np.full(count, 1 / count), images, np.zeros((count, d, 0)))

    def draw(
        self, rng: Generator, count: int, dtype: type[np.floating], role: str
    ) -> Float[np.ndarray, "count d"]:
        """With replacement, from the images of this role."""
        images = self.images[role]
        return images[rng.integers(len(images), size=count)].astype(dtype)


def _low_rank(spec: LowRankPriorSpec, d: int, seed: int) -> LowRankPrior:
    """U and w_0 in R^d, or in the span of the first cosines on the midpoints of (0, 1).

    A tilt θ turns each column of U into a direction beside them: U cos θ + U_⊥ sin θ.
    """
    size = COSINES if spec.basis == "cosines" else d
    axes = orthogonal(stream(seed, "problem", "prior_basis"), size)
    basis = axes[:, : spec.rank]
    if spec.tilt:
        turn = np.deg2rad(spec.tilt)
        others = axes[:, spec.rank : 2 * spec.rank]
        basis = np.cos(turn) * basis + np.sin(turn) * others
    direction = stream(seed, "problem", "prior_mean").standard_normal(size)
    mean = spec.mean_norm / np.sqrt(size) * direction
    if spec.basis == "cosines":
        z = (np.arange(d) + 0.5) / d
        cosines = np.cos(np.pi * np.multiply.outer(z, np.arange(size)))
        cosines /= np.linalg.norm(cosines, axis=0)
        basis, mean = cosines @ basis, cosines @ mean
    variances = np.linspace(spec.variance_max, spec.variance_min, spec.rank)
    return LowRankPrior(spec.law, mean, np.ascontiguousarray(basis), variances)


def _mixture(spec: MixturePriorSpec, d: int, seed: int) -> MixturePrior:
    """Means with E‖m_k‖² as stated, directions from a Haar matrix of each component's own."""
    rng = stream(seed, "problem", "mixture")
    means = spec.mean_norm / np.sqrt(d) * rng.standard_normal((spec.components, d))
    directions = [orthogonal(rng, d)[:, : spec.rank] for _ in range(spec.components)]
    weights = np.full(spec.components, 1 / spec.components)
    return MixturePrior(
        GaussianMixture(weights, means, np.sqrt(spec.variance) * np.stack(directions))
    )


def _empirical(spec: EmpiricalPriorSpec, d: int, seed: int) -> EmpiricalPrior:
    """Grey values from 0 to 1, split between training and test by the seed."""
    from sklearn.datasets import load_digits  # here, for it is slow to load

    images = np.asarray(load_digits(return_X_y=True)[0]) / 16
    images = images[stream(seed, "problem", "images").permutation(len(images))]
    return EmpiricalPrior({"train": images[:TRAINING_IMAGES], "test": images[TRAINING_IMAGES:]})


PRIORS: dict[type, Callable[..., Prior]] = {
    LowRankPriorSpec: _low_rank,
    MixturePriorSpec: _mixture,
    SparsePriorSpec: lambda spec, d, seed: SparsePrior(d, spec.nonzeros, spec.variance),
    BumpPriorSpec: lambda spec, d, seed: BumpPrior(d),  # pyright: ignore[reportAssignmentType]
    EmpiricalPriorSpec: _empirical,
}


def _student_scales() -> tuple[np.ndarray, np.ndarray]:
    """√((ν − 2)/c) for c ~ χ²_ν: trapezoids in ln c over all but 2·10⁻⁹ of its probability."""
    from scipy.stats import chi2  # here, for it is slow to load

    ends = np.log(chi2.ppf([1e-9, 1 - 1e-9], STUDENT_DEGREES))
    c = np.exp(np.linspace(ends[0], ends[1], SCALE_NODES))
    weights = c * chi2.pdf(c, STUDENT_DEGREES)
    return np.sqrt((STUDENT_DEGREES - 2) / c), weights / weights.sum()

"""Specifications of the tasks: design, prior and noise of a problem, and a data set drawn from it.

Each kind says under `name` how it appears in the names of data sets. Where a mapping leaves out its
`kind`, the Gaussian design and the low-rank prior are meant.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from nao.specs.base import MOST, Size, SizeOrZero, Spec

DIGITS_DIMENSION = 64  # pixels of an image
COSINES = 6  # functions cos πqz, q = 0 … 5, that a smooth prior is made of


def _kind(default: str) -> Discriminator:
    def kind(value: Any) -> str:
        return value.get("kind", default) if isinstance(value, dict) else value.kind

    return Discriminator(kind)


class GaussianDesignSpec(Spec):
    """Independent rows x_i ~ N(0, Σ_x), Σ_x = Q diag(1 … 1/κ) Qᵀ."""

    row_symmetries: ClassVar[tuple[str, ...]] = ("none", "permute", "rotate")
    kind: Literal["gaussian"] = "gaussian"
    condition: float = Field(
        default=1.0,
        ge=1,
        le=1e8,
        description="κ(Σ_x); 1 is the identity, 1e8 what float32 rows bear",
    )

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"k{self.condition:g}"


class OperatorDesignSpec(Spec):
    """Rows of R_φ[u](x) = ∫ φ(z) g[u](x, z) dz on a mesh in z, at random points x.

    g[u](x, z) is u(x − z) (integral), u(x + z) − u(x) (nonlocal) or ∂_x[u(x − z) u(x)]
    (aggregation), u a random Fourier series. A rotation would mix the functions of a context, so it
    is no symmetry of these rows; their order is one.
    """

    row_symmetries: ClassVar[tuple[str, ...]] = ("none", "permute")
    kind: Literal["operator"]
    operator: Literal["integral", "nonlocal", "aggregation"]
    functions: PositiveInt = Field(default=2, description="functions u of a context, n_0")
    smoothness: Size = Field(default=2.0, description="s: mode k has amplitude k^-s")
    modes: PositiveInt = Field(default=30, description="of the Fourier series")

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"{self.operator}{self.smoothness:g}"


DesignSpec = Annotated[
    Annotated[GaussianDesignSpec, Tag("gaussian")] | Annotated[OperatorDesignSpec, Tag("operator")],
    _kind("gaussian"),
]


class LowRankPriorSpec(Spec):
    """w = w_0 + U Λ^{1/2} z with r_w entries z of mean 0 and variance 1."""

    kind: Literal["low_rank"] = "low_rank"
    law: Literal["gaussian", "uniform", "student_t"] = "gaussian"
    rank: PositiveInt = Field(description="r_w = rank(Σ_w), at most d")
    variance_max: Size = Field(default=2.0, description="largest eigenvalue of Σ_w")
    variance_min: Size = Field(default=1.0, description="smallest non-zero eigenvalue")
    mean_norm: SizeOrZero = Field(default=1.0, description="sqrt E‖w_0‖²")
    basis: Literal["haar", "cosines"] = Field(
        default="haar", description="U and w_0 in all of R^d, or in the span of the first cosines"
    )
    tilt: float = Field(
        default=0.0,
        ge=0,
        le=90,
        description="degrees: principal angle by which U is turned away from that of the seed",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "LowRankPriorSpec":
        if self.variance_min > self.variance_max:
            raise ValueError(
                f"variance_min = {self.variance_min} exceeds variance_max = {self.variance_max}; "
                "exchange them"
            )
        if self.basis == "cosines" and self.rank > COSINES:
            raise ValueError(
                f"rank = {self.rank} exceeds the {COSINES} functions of basis = 'cosines'; "
                "lower rank, or use basis = 'haar'"
            )
        return self

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"r{self.rank}" + (f"t{self.tilt:g}" if self.tilt else "")


class MixturePriorSpec(Spec):
    """One of K equally likely Gaussians of low rank, each with a mean and directions of its own."""

    kind: Literal["mixture"]
    components: PositiveInt = Field(description="K")
    rank: PositiveInt = Field(default=1, description="of each covariance, at most d")
    variance: Size = Field(default=1.0, description="along each direction")
    mean_norm: SizeOrZero = Field(default=1.0, description="sqrt E‖m_k‖²")

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"mixture{self.components}x{self.rank}"


class SparsePriorSpec(Spec):
    """Gaussian entries on a support drawn uniformly among those of the given size, else 0."""

    kind: Literal["sparse"]
    nonzeros: PositiveInt = Field(description="entries of w that are not 0, at most d")
    variance: Size = Field(default=1.0, description="of such an entry")

    @property
    def rank(self) -> int:
        """Of the covariance on each support."""
        return self.nonzeros

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"sparse{self.nonzeros}"


class BumpPriorSpec(Spec):
    """Kernels φ(z) = 3a exp(−(z − c)²/2s²) on the mesh: c ~ U(0.2, 0.8), s ~ U(0.06, 0.15)."""

    kind: Literal["bump"]

    @property
    def name(self) -> str:
        """In names of data sets."""
        return "bump"


class EmpiricalPriorSpec(Spec):
    """The 8 × 8 images of handwritten digits of scikit-learn; those of the test stay apart."""

    kind: Literal["empirical"]
    source: Literal["digits"] = "digits"

    @property
    def name(self) -> str:
        """In names of data sets."""
        return self.source


PriorSpec = Annotated[
    Annotated[LowRankPriorSpec, Tag("low_rank")]
    | Annotated[MixturePriorSpec, Tag("mixture")]
    | Annotated[SparsePriorSpec, Tag("sparse")]
    | Annotated[BumpPriorSpec, Tag("bump")]
    | Annotated[EmpiricalPriorSpec, Tag("empirical")],
    _kind("low_rank"),
]


class NoiseSpec(Spec):
    """Independent entries of mean 0, as large as stated or relative to the signal."""

    law: Literal["gaussian", "uniform", "laplace", "student_t"] = "gaussian"
    std: SizeOrZero | None = Field(default=None, description="σ_ε, in units of Y")
    ratio: Size | None = Field(
        default=None, description="σ_ε as a share of the root mean square of Xw"
    )
    spread: float = Field(
        default=1.0,
        ge=1,
        le=MOST,
        description="σ_ε of a context is log-uniform from std / spread to std · spread",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> "NoiseSpec":
        if (self.std is None) == (self.ratio is None):
            raise ValueError(
                f"std = {self.std} and ratio = {self.ratio}: exactly one says how large the noise "
                "is; leave the other out"
            )
        return self

    @property
    def name(self) -> str:
        """In names of data sets."""
        return f"s{self.std:g}" if self.std is not None else f"s{self.ratio:.4g}rel"


class ProblemSpec(Spec):
    """The law of the tasks: rows of a design, w from a prior, and noise."""

    dimension: PositiveInt = Field(description="d, the number of unknown weights")
    design: DesignSpec = GaussianDesignSpec()
    prior: PriorSpec
    noise: NoiseSpec

    @model_validator(mode="after")
    def _fits(self) -> "ProblemSpec":
        rank = getattr(self.prior, "rank", 0)
        if rank > self.dimension:
            key = "nonzeros" if self.prior.kind == "sparse" else "rank"
            raise ValueError(
                f"prior.{key} = {rank} exceeds dimension = {self.dimension}: "
                f"a covariance of d weights has rank d at most; lower prior.{key}"
            )
        if self.prior.kind == "empirical" and self.dimension != DIGITS_DIMENSION:
            raise ValueError(
                f"dimension = {self.dimension}, but the images of prior.source = 'digits' have "
                f"{DIGITS_DIMENSION} pixels; set dimension to {DIGITS_DIMENSION}"
            )
        return self

    @model_validator(mode="after")
    def _tilts_into_others(self) -> "ProblemSpec":
        prior = self.prior
        if not (isinstance(prior, LowRankPriorSpec) and prior.tilt):
            return self
        span = COSINES if prior.basis == "cosines" else self.dimension
        if 2 * prior.rank > span:
            raise ValueError(
                f"prior.tilt = {prior.tilt:g} turns the {prior.rank} directions of U into as many "
                f"others, and there are {span} in all; lower prior.rank to {span // 2}, or set "
                "tilt to 0"
            )
        return self

    @property
    def task_dimension(self) -> int | None:
        """r_w = rank(Σ_w) where the prior is of low rank."""
        return self.prior.rank if self.prior.kind == "low_rank" else None

    @property
    def row_symmetries(self) -> tuple[str, ...]:
        """Changes of a context's rows that leave the law of all contexts as it is."""
        exact = self.design.row_symmetries
        if self.noise.law != "gaussian":
            exact = tuple(each for each in exact if each != "rotate")
        return exact


class DatasetSpec(Spec):
    """Training contexts (per replicate) and test contexts drawn from one problem."""

    problem: ProblemSpec
    context_length: PositiveInt = Field(description="n, rows per context, below d")
    train_contexts: PositiveInt = Field(description="n_s, training contexts per replicate")
    heldout_rows: PositiveInt | None = Field(default=None, description="m; null: as many as n")
    test_contexts: int = Field(ge=2, description="contexts for the errors and the prior")
    replicates: int = Field(
        ge=1, lt=2**30, description="redraws of training contexts and initialisation"
    )
    first_replicate: int = Field(
        default=0, ge=0, lt=2**30, description="number of the first replicate's streams"
    )
    seed: int = Field(ge=0, description="root of every random stream")

    @model_validator(mode="after")
    def _rank_deficient(self) -> "DatasetSpec":
        if self.context_length >= self.problem.dimension:
            raise ValueError(
                f"context_length = {self.context_length} must lie below dimension = "
                f"{self.problem.dimension}: every claim is about n < d; lower context_length"
            )
        return self

    @property
    def heldout_length(self) -> int:
        """m, the rows per training context that the estimator does not see."""
        return self.heldout_rows or self.context_length

    @property
    def members(self) -> range:
        """Numbers of the replicates."""
        return range(self.first_replicate, self.first_replicate + self.replicates)

    @property
    def identity(self) -> str:
        """Readable name, unique by content."""
        problem = self.problem
        return "-".join(
            [
                f"d{problem.dimension}",
                f"n{self.context_length}",
                problem.prior.name,
                problem.noise.name,
                problem.design.name,
                f"N{self.train_contexts}",
                self.fingerprint(),
            ]
        )

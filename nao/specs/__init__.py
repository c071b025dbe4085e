"""Specifications: what a problem, a data set, a model and a training are, checked and frozen.

Each names itself by its content. The sources of the values are in `config.yaml`.
"""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from nao.specs.base import Spec
from nao.specs.tasks import DatasetSpec, ProblemSpec

__all__ = [
    "CodeSpec",
    "DatasetSpec",
    "MixtureOfRidgesSpec",
    "ModelSpec",
    "ProblemSpec",
    "RunSpec",
    "Spec",
    "TrainingSpec",
    "TransformerSpec",
    "UnrolledGradientSpec",
]


class CodeSpec(Spec):
    """Rows of E that hold a learned code of each column, as position encodings do."""

    rows: Literal["blank", "data"] = Field(
        default="blank",
        description="where codes are written: on blank rows added to a context, or on its first",
    )
    share: PositiveFloat = Field(default=0.6, description="code rows for each row of the context")
    initial_std: PositiveFloat = Field(
        default=10.0, description="of a code's entries, in units of the design's"
    )

    @model_validator(mode="after")
    def _leaves_data(self) -> "CodeSpec":
        if self.rows == "data" and self.share >= 1:
            raise ValueError(
                f"share = {self.share:g} with rows = 'data' leaves no row without a code; "
                "lower share below 1, or use rows = 'blank'"
            )
        return self


class LeapfrogSpec(Spec):
    """Weights that begin as a solver by LayerNorm's own bias, without codes.

    The bias of the first LayerNorm draws on some rows of a context what codes would add there.
    """

    share: float = Field(gt=0, lt=1, description="of a context's rows")
    initial_std: PositiveFloat = Field(
        default=10.0, description="of the bias's entries, in units of the design's"
    )


class TransformerSpec(Spec):
    """The linear transformer of the slides, § 2: L − 1 attention layers and an inverse read-out."""

    kind: Literal["transformer"] = "transformer"
    layers: int = Field(ge=1, description="L, the read-out included")
    heads: PositiveInt = 1
    key_dimension: PositiveInt | None = Field(
        default=None, description="d_k per head; null: as many as rows"
    )
    norm: Literal["matrix", "row", "none"] = Field(
        default="matrix", description="what a LayerNorm runs over: the n × (d+1) matrix or each row"
    )
    codes: CodeSpec | None = Field(
        default=None, description="null: LayerNorm's biases alone tell the columns apart"
    )
    start: LeapfrogSpec | None = Field(
        default=None, description="null: random weights or, with codes, a solver in their span"
    )
    initial_gain: float = Field(default=0.4, ge=0, description="of every LayerNorm")
    initial_bias_std: float = Field(
        default=1.5,
        ge=0,
        description="of every LayerNorm's bias; 0 where it starts as a solver",
    )
    initial_readout: PositiveFloat = Field(
        default=0.05,
        description="scale of the first estimates: of the last keys or, in a solver, of the steps",
    )

    @model_validator(mode="after")
    def _codes_are_normed(self) -> "TransformerSpec":
        if self.codes and self.norm == "none":
            raise ValueError(
                "norm = 'none' lets the products of large codes grow without bound; "
                "use norm = 'matrix', or set codes to null"
            )
        if self.start and (self.codes or self.norm == "none" or self.layers < 3):
            raise ValueError(
                "start writes a solver into the LayerNorms of three layers or more without codes: "
                "set codes to null, norm to 'matrix' or 'row' and layers to 3 at least, "
                "or set start to null"
            )
        return self


class UnrolledGradientSpec(Spec):
    """Unrolled preconditioned gradient, a rival of ours: L steps with learned matrices P_l."""

    kind: Literal["unrolled_gradient"]
    layers: int = Field(ge=1, description="L, the gradient steps")
    initial_step: PositiveFloat = Field(default=0.3, description="P_l = initial_step · I at first")


class MixtureOfRidgesSpec(Spec):
    """Mixture of ridges, a rival of ours that is not linear in Y: K learned priors of low rank."""

    kind: Literal["mixture_of_ridges"]
    experts: PositiveInt = Field(description="K")
    rank: int = Field(ge=0, description="r, of each expert's own covariance")
    initial_background: float = Field(
        default=0.0,
        ge=0,
        description="B of the covariance BBᵀ that all experts share, times I at first; 0: none",
    )
    initial_noise: PositiveFloat = Field(
        default=1.0, description="s at first, units of Y: large, so that all experts learn"
    )

    @model_validator(mode="after")
    def _varies(self) -> "MixtureOfRidgesSpec":
        if self.rank == 0 and self.initial_background == 0:
            raise ValueError(
                "rank = 0 with initial_background = 0 lets w take K values alone; "
                "raise one of the two"
            )
        return self


ModelSpec = Annotated[
    TransformerSpec | UnrolledGradientSpec | MixtureOfRidgesSpec, Field(discriminator="kind")
]


class TrainingSpec(Spec):
    """How the weights are found."""

    objective: Literal["misfit", "heldout", "supervised", "r2r", "sure"] = "misfit"
    row_symmetry: Literal["none", "permute", "rotate"] = "permute"
    batch_contexts: PositiveInt = Field(description="contexts per step and replicate")
    steps: PositiveInt
    learning_rate: PositiveFloat = Field(description="peak, after a linear warm-up")
    norm_rate: PositiveFloat = Field(
        default=1.0, description="rate of codes and of LayerNorm's gain and bias, as a multiple"
    )
    warmup_steps: int = Field(ge=0, description="of a linear rise, then the schedule")
    schedule: Literal["cosine", "exponential"] = "cosine"
    final_rate: float = Field(
        default=0.0, ge=0, le=1, description="where the schedule ends, as a share of the peak"
    )
    gradient_clip: PositiveFloat | None = Field(
        default=1.0, description="largest gradient norm a member"
    )
    optimizer: Literal["adam", "muon", "soap", "schedule_free"] = "adam"
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    beta2: float = Field(default=0.99, ge=0, lt=1, description="decay of its square")
    averaged_steps: PositiveInt | None = Field(
        default=None,
        description="horizon of the exponential average of weights to keep; null: the last weights",
    )
    precision: Literal["float32", "float64"] = "float32"
    seed: int = Field(ge=0, description="root of the initialisation and batch streams")

    @model_validator(mode="after")
    def _decays(self) -> "TrainingSpec":
        if self.schedule == "exponential" and self.final_rate == 0:
            raise ValueError(
                "schedule = 'exponential' never reaches final_rate = 0; "
                "give a share such as 0.01, or use the cosine"
            )
        return self


class RunSpec(Spec):
    """One training run: all replicates of one data set, model and recipe, trained as one stack."""

    learner: str = Field(
        default="nao", pattern=r"^[a-z][a-z0-9_]*$", description="its name in every table"
    )
    dataset: DatasetSpec
    model: ModelSpec
    training: TrainingSpec

    @model_validator(mode="after")
    def _entries_learn_at_rates_of_their_own(self) -> "RunSpec":
        if self.training.optimizer == "schedule_free" and getattr(self.model, "start", None):
            raise ValueError(
                "optimizer = 'schedule_free' gives all entries of a weight one rate, and a model "
                "with start needs several; choose another optimizer, or set start to null"
            )
        return self

    @model_validator(mode="after")
    def _symmetry_is_exact(self) -> "RunSpec":
        problem, chosen = self.dataset.problem, self.training.row_symmetry
        if chosen not in problem.row_symmetries:
            raise ValueError(
                f"training.row_symmetry = {chosen!r} changes the law of contexts with "
                f"{problem.design.kind} rows and {problem.noise.law} noise; "
                f"choose among {', '.join(problem.row_symmetries)}"
            )
        return self

    @model_validator(mode="after")
    def _noise_has_a_logarithm(self) -> "RunSpec":
        if self.dataset.problem.noise.std == 0:
            raise ValueError(
                "dataset.problem.noise.std = 0 has no place on the axes of errors, which are "
                "logarithmic, and no error to be held against; give a positive std"
            )
        return self

    @property
    def identity(self) -> str:
        """Readable name, unique by content."""
        dataset = self.dataset.identity.rsplit("-", 1)[0]
        return "-".join([dataset, self.model.kind, self.learner, self.fingerprint()])

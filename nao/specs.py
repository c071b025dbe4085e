"""Specifications: what a problem, a data set, a model and a training are, checked and frozen.

Each names itself by its content. The sources of the values are in `config.yaml`.
"""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator


class Spec(BaseModel):
    """A frozen set of values; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def fingerprint(self) -> str:
        """Eight hexadecimal digits of the SHA-256 of the canonical JSON of all values."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:8]


class ProblemSpec(Spec):
    """The law of the tasks: w ~ prior(w_0, Σ_w), x_i ~ N(0, Σ_x), ε of variance σ_ε²."""

    dimension: PositiveInt = Field(description="d, the number of unknown weights")
    task_dimension: PositiveInt = Field(description="r_w = rank(Σ_w), at most d")
    noise_std: float = Field(ge=0, description="σ_ε, in units of Y")
    design_condition: float = Field(default=1.0, ge=1, description="κ(Σ_x); 1 is the identity")
    prior_variance_max: PositiveFloat = Field(default=2.0, description="largest eigenvalue of Σ_w")
    prior_variance_min: PositiveFloat = Field(
        default=1.0, description="smallest non-zero eigenvalue"
    )
    prior_mean_norm: float = Field(default=1.0, ge=0, description="sqrt E‖w_0‖²")
    prior: Literal["gaussian", "uniform"] = "gaussian"
    noise: Literal["gaussian", "uniform", "laplace", "student_t"] = "gaussian"

    @model_validator(mode="after")
    def _rank_fits(self) -> "ProblemSpec":
        if self.task_dimension > self.dimension:
            raise ValueError(
                f"task_dimension = {self.task_dimension} exceeds dimension = {self.dimension}: "
                "a covariance of d weights has rank d at most; lower task_dimension"
            )
        if self.prior_variance_min > self.prior_variance_max:
            raise ValueError(
                f"prior_variance_min = {self.prior_variance_min} exceeds prior_variance_max = "
                f"{self.prior_variance_max}; exchange them"
            )
        return self


class DatasetSpec(Spec):
    """Training contexts (per replicate) and test contexts drawn from one problem."""

    problem: ProblemSpec
    context_length: PositiveInt = Field(description="n, rows per context, below d")
    train_contexts: PositiveInt = Field(description="n_s, training contexts per replicate")
    heldout_rows: PositiveInt | None = Field(default=None, description="m; null: as many as n")
    test_contexts: PositiveInt = Field(description="contexts for the errors and the prior")
    replicates: PositiveInt = Field(description="redraws of training contexts and initialisation")
    first_replicate: int = Field(
        default=0, ge=0, description="number of the first replicate's streams"
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
                f"r{problem.task_dimension}",
                f"s{problem.noise_std:g}",
                f"k{problem.design_condition:g}",
                f"N{self.train_contexts}",
                self.fingerprint(),
            ]
        )


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


ModelSpec = Annotated[TransformerSpec | UnrolledGradientSpec, Field(discriminator="kind")]


class TrainingSpec(Spec):
    """How the weights are found."""

    objective: Literal["misfit", "heldout", "supervised"] = "misfit"
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

    @property
    def identity(self) -> str:
        """Readable name, unique by content."""
        dataset = self.dataset.identity.rsplit("-", 1)[0]
        return "-".join([dataset, self.model.kind, self.learner, self.fingerprint()])

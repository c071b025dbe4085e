"""What is computed: the specifications of problems, data sets and runs, and the plan they make.

`load` reads `config.yaml`; `expand` turns the chosen scale into a `Plan`: every data set and every
training run that the experiments need, each named by its own content, so that a point shared by
several experiments is made once.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

T = TypeVar("T", bound="Spec")


class ConfigError(ValueError):
    """The configuration asks for something impossible; the message says what and how to mend it."""


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


class TransformerSpec(Spec):
    """The linear transformer of the slides, § 2: L − 1 attention layers and an inverse read-out."""

    kind: Literal["transformer"] = "transformer"
    layers: int = Field(ge=1, description="L, the read-out included")
    heads: PositiveInt = 1
    key_dimension: PositiveInt | None = Field(default=None, description="d_k per head; null: n")
    norm: Literal["matrix", "row", "none"] = Field(
        default="matrix", description="what a LayerNorm runs over: the n × (d+1) matrix or each row"
    )
    initial_gain: PositiveFloat = Field(default=0.2, description="of every LayerNorm")
    initial_bias_std: float = Field(default=2.0, ge=0, description="of every LayerNorm's bias")
    initial_readout: PositiveFloat = Field(
        default=0.02, description="scale of the last layer's keys"
    )

    @property
    def estimator(self) -> str:
        """The name under which its estimates appear in tables."""
        return "nao"


class UnrolledGradientSpec(Spec):
    """Unrolled preconditioned gradient, a rival of ours: L steps with learned matrices P_l."""

    kind: Literal["unrolled_gradient"]
    layers: int = Field(ge=1, description="L, the gradient steps")
    initial_step: PositiveFloat = Field(default=0.3, description="P_l = initial_step · I at first")

    @property
    def estimator(self) -> str:
        """The name under which its estimates appear in tables."""
        return "upg"


ModelSpec = Annotated[TransformerSpec | UnrolledGradientSpec, Field(discriminator="kind")]


class TrainingSpec(Spec):
    """How the weights are found."""

    objective: Literal["misfit", "heldout", "supervised"] = "misfit"
    row_symmetry: Literal["none", "permute", "rotate"] = "permute"
    batch_contexts: PositiveInt = Field(description="contexts per step and replicate")
    steps: PositiveInt
    learning_rate: PositiveFloat = Field(description="peak, after a linear warm-up")
    norm_rate: PositiveFloat = Field(
        default=1.0, description="learning rate of LayerNorm's gain and bias, as a multiple"
    )
    warmup_steps: int = Field(ge=0, description="then cosine decay to 0")
    gradient_clip: PositiveFloat | None = Field(
        default=1.0, description="largest gradient norm a member"
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Adam's decay of the mean gradient")
    beta2: float = Field(default=0.99, ge=0, lt=1, description="Adam's decay of its square")
    seed: int = Field(ge=0, description="root of the initialisation and batch streams")


class RunSpec(Spec):
    """One training run: all replicates of one data set, model and recipe, trained as one stack."""

    dataset: DatasetSpec
    model: ModelSpec
    training: TrainingSpec

    @property
    def identity(self) -> str:
        """Readable name, unique by content."""
        training = self.training
        return "-".join(
            [
                self.dataset.identity.rsplit("-", 1)[0],
                training.objective,
                training.row_symmetry,
                self.fingerprint(),
            ]
        )


class Compute(Spec):
    """Where a run is computed; no result but its last bits depends on it."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: PositiveInt = Field(default=1, description="CPU threads of one training job")


class ExperimentSpec(Spec):
    """A sweep: the base point with one value varied, and the learners trained at each point.

    `overrides` moves the base point, as in {dataset: {first_replicate: 1000}} for a study whose
    replicates must be disjoint from those reported.
    """

    axis: str | None = Field(
        default=None, description="dotted path into a run; null: the base point only"
    )
    learners: tuple[str, ...] = Field(min_length=1)
    overrides: dict[str, dict[str, Any]] = Field(default={}, description="part → values")


class RecipeSpec(Spec):
    """How a transformer is shaped and trained at every scale, as plain values."""

    model: dict[str, Any]
    training: dict[str, Any]


class BaseSpec(Spec):
    """The base point of a scale, as plain values: it goes before the recipe, a sweep before it."""

    dataset: dict[str, Any]
    model: dict[str, Any] = Field(default={})
    training: dict[str, Any] = Field(default={})


class ScaleSpec(Spec):
    """One size of the whole study."""

    compute: Compute = Compute()
    base: BaseSpec
    values: dict[str, tuple[float | int, ...]] = Field(description="experiment → swept values")


class Config(Spec):
    """The whole of `config.yaml`."""

    scale: str
    seed: int = Field(ge=0)
    baselines: tuple[str, ...]
    recipe: RecipeSpec
    learners: dict[str, dict[str, dict[str, Any]]]
    experiments: dict[str, ExperimentSpec]
    scales: dict[str, ScaleSpec]

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        if self.scale not in self.scales:
            raise ValueError(
                f"scale = {self.scale!r} is not defined; choose one of {', '.join(self.scales)}"
            )
        for name, experiment in self.experiments.items():
            for learner in experiment.learners:
                if learner not in self.learners:
                    raise ValueError(
                        f"experiments.{name}.learners names {learner!r}, which is not among the "
                        f"learners {', '.join(self.learners)}; define it or remove it"
                    )
            values = self.scales[self.scale].values
            if experiment.axis and not values.get(name):
                raise ValueError(
                    f"scales.{self.scale}.values.{name} is empty, but experiments.{name} sweeps "
                    f"{experiment.axis}; give at least one value"
                )
        if unknown := set(self.scales[self.scale].values) - set(self.experiments):
            raise ValueError(
                f"scales.{self.scale}.values names {', '.join(sorted(unknown))}, which no "
                f"experiment bears; choose among {', '.join(self.experiments)}"
            )
        return self


class Point(Spec):
    """One point of an experiment: a data set and, per learner, a run."""

    value: float | int | None
    dataset: str
    runs: dict[str, str]


class Experiment(Spec):
    """All points of one sweep."""

    axis: str | None
    points: tuple[Point, ...]


class Plan(Spec):
    """Everything the workflow computes at one scale, by identity."""

    scale: str
    compute: Compute
    baselines: tuple[str, ...]
    datasets: dict[str, DatasetSpec]
    runs: dict[str, RunSpec]
    experiments: dict[str, Experiment]


def load(source: Path | str | Mapping[str, Any]) -> Config:
    """Read and check a configuration from a YAML file or from a mapping.

    Raises `ConfigError`, one sentence per fault, naming the key, the value and the bound.
    """
    if isinstance(source, Mapping):
        values, name = source, "config"
    else:
        name = str(source)
        try:
            values = yaml.safe_load(Path(source).read_text())
        except FileNotFoundError:
            raise ConfigError(f"{name} does not exist; name an existing file") from None
        except yaml.YAMLError as fault:
            raise ConfigError(f"{name} is not valid YAML: {fault}") from None
    return _checked(Config, values, name)


def expand(config: Config) -> Plan:
    """The plan of the configured scale. Raises `ConfigError` where a sweep leaves its bounds."""
    scale = config.scales[config.scale]
    datasets: dict[str, DatasetSpec] = {}
    runs: dict[str, RunSpec] = {}
    experiments: dict[str, Experiment] = {}
    for name, experiment in config.experiments.items():
        points = []
        for value in scale.values[name] if experiment.axis else (None,):
            place = f"experiments.{name}" + ("" if value is None else f" at {value:g}")
            members = {
                learner: _run(config, scale, experiment, value, learner, place)
                for learner in experiment.learners
            }
            dataset = next(iter(members.values())).dataset
            datasets[dataset.identity] = dataset
            runs |= {run.identity: run for run in members.values()}
            points.append(
                Point(
                    value=value,
                    dataset=dataset.identity,
                    runs={learner: run.identity for learner, run in members.items()},
                )
            )
        experiments[name] = Experiment(axis=experiment.axis, points=tuple(points))
    return Plan(
        scale=config.scale,
        compute=scale.compute,
        baselines=config.baselines,
        datasets=datasets,
        runs=runs,
        experiments=experiments,
    )


def _run(
    config: Config,
    scale: ScaleSpec,
    experiment: ExperimentSpec,
    value: float | int | None,
    learner: str,
    place: str,
) -> RunSpec:
    """The run of one learner at one point of a sweep."""
    values: dict[str, dict[str, Any]] = {
        "dataset": {"seed": config.seed},
        "model": {"kind": "transformer"},
        "training": {"seed": config.seed},
    }
    layers = (config.recipe, scale.base)
    for changes in (
        *(layer.model_dump() for layer in layers),
        experiment.overrides,
        config.learners[learner],
    ):
        for part, overrides in changes.items():
            # Another kind of model shares no value with the base point's.
            fresh = part == "model" and "kind" in overrides
            values[part] = overrides if fresh else values.get(part, {}) | overrides
    if experiment.axis is not None:
        *parents, key = experiment.axis.split(".")
        section = values
        for parent in parents:
            section = section.get(parent) if isinstance(section, dict) else None
        if not isinstance(section, dict) or key not in section:
            raise ConfigError(
                f"{place}: axis = {experiment.axis!r} is no value of scales.{config.scale}.base; "
                "name one as in dataset.problem.noise_std"
            )
        section[key] = value
    return _checked(RunSpec, values, f"{place} (learner {learner})")


def _checked(kind: type[T], values: Any, place: str) -> T:
    """Validate, turning every fault into one sentence that names the key and the value."""
    try:
        return kind.model_validate(values)
    except ValidationError as fault:
        sentences = [_sentence(error, place) for error in fault.errors()]
    raise ConfigError("\n".join(sentences))


def _sentence(error: Any, place: str) -> str:
    key = ".".join(str(part) for part in error["loc"])
    where = f"{place}: {key}" if key else place
    if error["type"] == "extra_forbidden":
        return f"{where} = {error['input']!r} is not a known key; remove it or mend its spelling"
    if error["type"] == "missing":
        return f"{where} is missing; add it"
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    reason = error["msg"][0].lower() + error["msg"][1:]
    return f"{where} = {error['input']!r} is refused: {reason}; change the value"

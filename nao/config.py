"""The configuration: which experiments there are, and the plan that they make.

`load` reads `config.yaml`; `expand` turns the chosen scale into a `Plan`: every data set and every
training run that the experiments need, each named by its own content, so that a point shared by
several experiments is made once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from nao.specs import DatasetSpec, RunSpec, Spec

T = TypeVar("T", bound=Spec)


class ConfigError(ValueError):
    """The configuration asks for something impossible; the message says what and how to mend it."""


class Compute(Spec):
    """Where a run is computed; no result but its last bits depends on it."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="cpu", description="of trainings; auto: a GPU where there is one"
    )
    threads: PositiveInt = Field(default=1, description="CPU threads of one training job")
    kernel: Literal["auto", "torch", "native"] = Field(
        default="auto",
        description="of transformers on the CPU; auto: the one in C where there is a compiler",
    )


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


class LookSpec(Spec):
    """How a learner is drawn."""

    color: str = Field(description="as matplotlib names it, or a name of nao.figures.style")
    marker: str = Field(min_length=1, max_length=1, description="as matplotlib names it")
    line: Literal["solid", "dashed", "dotted", "dashdot", "long"] = "solid"
    filled: bool = Field(default=True, description="whether markers are")


class LearnerSpec(Spec):
    """A trained estimator: what it changes in the recipe, and how figures and claims show it."""

    label: str = Field(min_length=1, description="in legends and in the claims")
    look: LookSpec | None = Field(default=None, description="null: the next free one")
    relative_steps: PositiveFloat = Field(
        default=1, description="steps as a multiple of the scale's, where a step costs less or more"
    )
    model: dict[str, Any] = Field(default={})
    training: dict[str, Any] = Field(default={})


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
    values: dict[str, tuple[float | int | str, ...]] = Field(
        description="experiment → swept values"
    )


class Config(Spec):
    """The whole of `config.yaml`."""

    scale: str
    seed: int = Field(ge=0)
    row_orders: PositiveInt = Field(description="over how many estimates are symmetrised")
    baselines: tuple[str, ...]
    recipe: RecipeSpec
    learners: dict[str, LearnerSpec]
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

    value: float | int | str | None
    dataset: str
    runs: dict[str, str]


class Experiment(Spec):
    """All points of one sweep."""

    axis: str | None
    points: tuple[Point, ...]


class Plan(Spec):
    """Everything the workflow computes at one scale, by identity."""

    scale: str
    seed: int
    compute: Compute
    row_orders: int
    baselines: tuple[str, ...]
    learners: dict[str, LearnerSpec]
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
            place = f"experiments.{name}" + ("" if value is None else f" at {value}")
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
        seed=config.seed,
        compute=scale.compute,
        row_orders=config.row_orders,
        baselines=config.baselines,
        learners=config.learners,
        datasets=datasets,
        runs=runs,
        experiments=experiments,
    )


def _run(
    config: Config,
    scale: ScaleSpec,
    experiment: ExperimentSpec,
    value: float | int | str | None,
    learner: str,
    place: str,
) -> RunSpec:
    """The run of one learner at one point of a sweep."""
    values: dict[str, Any] = {
        "dataset": {"seed": config.seed},
        "model": {"kind": "transformer"},
        "training": {"seed": config.seed},
    }
    own = config.learners[learner]
    for changes in (
        config.recipe.model_dump(),
        scale.base.model_dump(),
        experiment.overrides,
        own.model_dump(include={"model", "training"}),
    ):
        for part, overrides in changes.items():
            values[part] = _merged(values.get(part, {}), overrides)
    if experiment.axis is not None:
        *parents, key = experiment.axis.split(".")
        section: Any = values
        for parent in parents:
            section = section.get(parent) if isinstance(section, dict) else None
        if not isinstance(section, dict) or key not in section:
            raise ConfigError(
                f"{place}: axis = {experiment.axis!r} is no value of scales.{config.scale}.base; "
                "name one as in dataset.problem.noise.std"
            )
        section[key] = value
    if own.relative_steps != 1:
        values["training"]["steps"] = round(own.relative_steps * values["training"]["steps"])
    return _checked(RunSpec, values | {"learner": learner}, f"{place} (learner {learner})")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` in it, key by key; another kind shares no value with the base's."""
    if "kind" in changes and changes["kind"] != base.get("kind"):
        return changes
    nested = {
        key: _merged(base[key], value)
        for key, value in changes.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return base | changes | nested


def _checked(kind: type[T], values: Any, place: str) -> T:
    """Validate, turning every fault into one sentence that names the key and the value."""
    try:
        return kind.model_validate(values)
    except ValidationError as fault:
        sentences = [_sentence(error, place) for error in fault.errors()]
    raise ConfigError("\n".join(sentences))


def _sentence(error: Any, place: str) -> str:
    path = list(error["loc"])
    for i, part in enumerate(path[:-1]):
        if part in ("model", "design", "prior"):
            del path[i + 1]  # pydantic names the kind there, which is no key of the file
    key = ".".join(str(part) for part in path)
    where = f"{place}: {key}" if key else place
    if error["type"] == "extra_forbidden":
        return f"{where} = {error['input']!r} is not a known key; remove it or mend its spelling"
    if error["type"] == "missing":
        return f"{where} is missing; add it"
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    reason = error["msg"][0].lower() + error["msg"][1:]
    return f"{where} = {error['input']!r} is refused: {reason}; change the value"

"""The configuration: which experiments there are, and the plan that they make.

`load` reads `config.yaml`; `expand` turns the chosen scale into a `Plan`: every data set and every
training run that the experiments need, each named by its own content, so that a point shared by
several experiments is made once.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from nao.checking import ConfigError, checked
from nao.specs import DatasetSpec, RunSpec, Spec
from nao.yaml_files import FileFault, Place, read_yaml

__all__ = ["ConfigError", "expand", "load"]

TABLE_KINDS = ("moments", "mechanism", "examples")
"""Of tables beside the scores of an experiment: the end of their names, and their folder."""
RESERVED = {"gallery", "report", "bench"}  # folders of results beside those of scales
EXAMPLE = "dataset.problem.noise.std, dataset.train_contexts or model.layers"


def _value(value: Any) -> float | int | str:
    number = isinstance(value, float | int) and not isinstance(value, bool)
    if not (isinstance(value, str) or (number and math.isfinite(value))):
        raise ValueError(f"{value!r} is neither a finite number nor a word; write one of these")
    return value


Value = Annotated[
    float | int | str, PlainValidator(_value, json_schema_input_type=float | int | str)
]


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Settings = dict[Name, dict[str, dict[str, Any]]]


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
    """A sweep: the base point with one value varied, and the estimators compared at each point.

    `overrides` moves the base point, as in {dataset: {first_replicate: 1000}} for a study whose
    replicates must be disjoint from those reported; each of `settings` moves it once more, and the
    sweep is run in all of them.
    """

    axis: str | None = Field(
        default=None, description="dotted path into a run; null: the base point only"
    )
    settings: Settings = Field(
        default={}, description="name → part → values; empty: the base point as it is"
    )
    trained: Literal["point", "base"] = Field(
        default="point",
        description="where estimators are fitted: at each point or, to be tested out of "
        "distribution, at the base point, where neither axis nor setting moves anything",
    )
    learners: tuple[str, ...] = Field(min_length=1, strict=False)
    baselines: tuple[str, ...] | None = Field(
        default=None, strict=False, min_length=1, description="null: those of the study"
    )
    overrides: dict[str, dict[str, Any]] = Field(default={}, description="part → values")


class LookSpec(Spec):
    """How a learner is drawn."""

    color: str = Field(
        pattern=r"^(#[0-9a-fA-F]{6}|green|blue|vermillion|purple|orange|sky|black|grey)$",
        description="#rrggbb, or a name of nao.figures.style",
    )
    marker: str = Field(
        pattern=r"^[.,ov^<>1-48spP*hH+xXDd|_]$", description="as matplotlib names it"
    )
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
    values: dict[str, Annotated[tuple[Value, ...], Field(strict=False)]] = Field(
        description="experiment → swept values"
    )
    learners: tuple[str, ...] | None = Field(
        default=None,
        strict=False,
        min_length=1,
        description="to which every experiment is confined, where a training costs much; null: all",
    )
    settings: dict[str, Settings] = Field(
        default={}, description="experiment → what its settings change at this scale"
    )


class Config(Spec):
    """The whole of `config.yaml`."""

    scale: str
    seed: int = Field(ge=0, lt=2**63)
    row_orders: PositiveInt = Field(description="over how many estimates are symmetrised")
    baselines: tuple[str, ...] = Field(strict=False, min_length=1)
    recipe: RecipeSpec
    learners: dict[Name, LearnerSpec]
    experiments: dict[Name, ExperimentSpec]
    scales: dict[Name, ScaleSpec]
    _lines: dict[Place, str] = PrivateAttr(default={})

    @model_validator(mode="after")
    def _named_once(self) -> "Config":
        """Names are those of files and folders, and of rows in tables."""
        given = {"baselines": self.baselines}
        given |= {f"experiments.{k}.learners": v.learners for k, v in self.experiments.items()}
        given |= {
            f"experiments.{k}.baselines": v.baselines or () for k, v in self.experiments.items()
        }
        for scale, spec in self.scales.items():
            given |= {f"scales.{scale}.values.{k}": v for k, v in spec.values.items()}
        for key, values in given.items():
            if twice := [value for i, value in enumerate(values) if value in values[:i]]:
                raise ValueError(f"{key} holds {twice[0]!r} twice; remove one of the two")
        if taken := RESERVED & set(self.scales):
            raise ValueError(
                f"scales.{min(taken)}: results/{min(taken)} holds something else; name it otherwise"
            )
        for name in self.experiments:
            if (kind := name.rpartition("_")[2]) in TABLE_KINDS:
                raise ValueError(
                    f"experiments.{name} would be taken for a table of {kind}; name it otherwise"
                )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        if self.scale not in self.scales:
            raise ValueError(
                f"scale = {self.scale!r} is not defined; choose one of {', '.join(self.scales)}"
            )
        confined = self.scales[self.scale].learners or ()
        if unknown := [name for name in confined if name not in self.learners]:
            raise ValueError(
                f"scales.{self.scale}.learners names {unknown[0]!r}, which is not among the "
                f"learners {', '.join(self.learners)}; define it or remove it"
            )
        for name, experiment in self.experiments.items():
            for learner in experiment.learners:
                if learner not in self.learners:
                    raise ValueError(
                        f"experiments.{name}.learners names {learner!r}, which is not among the "
                        f"learners {', '.join(self.learners)}; define it or remove it"
                    )
            scale = self.scales[self.scale]
            if scale.learners and not set(scale.learners) & set(experiment.learners):
                raise ValueError(
                    f"scales.{self.scale}.learners names none of experiments.{name}, which has "
                    f"{', '.join(experiment.learners)}; add one of these"
                )
            values = scale.values
            if experiment.axis and not values.get(name):
                raise ValueError(
                    f"scales.{self.scale}.values.{name} is empty, but experiments.{name} sweeps "
                    f"{experiment.axis}; give at least one value"
                )
            if experiment.settings and any(isinstance(each, str) for each in values.get(name, ())):
                raise ValueError(
                    f"experiments.{name} has settings and sweeps names, and a point has one name; "
                    "write the swept names as settings"
                )
        for key in ("values", "settings"):
            if unknown := set(getattr(self.scales[self.scale], key)) - set(self.experiments):
                raise ValueError(
                    f"scales.{self.scale}.{key} names {', '.join(sorted(unknown))}, which no "
                    f"experiment bears; choose among {', '.join(self.experiments)}"
                )
        return self


class Point(Spec):
    """One point of an experiment: the data set tested on, that fitted to, and a run per learner."""

    setting: str | None = None
    value: float | int | None
    dataset: str
    fitted: str
    runs: dict[str, str]


class Experiment(Spec):
    """All points of one sweep."""

    axis: str | None
    baselines: tuple[str, ...] = Field(strict=False)
    points: tuple[Point, ...] = Field(strict=False)


class Plan(Spec):
    """Everything the workflow computes at one scale, by identity."""

    scale: str
    seed: int
    compute: Compute
    row_orders: int
    learners: dict[str, LearnerSpec]
    datasets: dict[str, DatasetSpec]
    runs: dict[str, RunSpec]
    experiments: dict[str, Experiment]

    @property
    def baselines(self) -> tuple[str, ...]:
        """Those of every experiment."""
        named = (name for each in self.experiments.values() for name in each.baselines)
        return tuple(dict.fromkeys(named))


def load(*sources: Path | str | Mapping[str, Any]) -> Config:
    """Read and check a configuration from YAML files and mappings; later ones change earlier ones.

    Raises `ConfigError`, one sentence per fault, naming the key, the value, the bound, and the file
    and line.
    """
    values: dict[str, Any] = {}
    lines: dict[Place, str] = {}
    name = next((str(each) for each in sources if not isinstance(each, Mapping)), "config")
    for source in sources:
        if isinstance(source, Mapping):
            changes, stand = source, dict.fromkeys(_places(source), "")
        else:
            changes, stand = _read(Path(source))
        values, lines = _changed(values, changes), lines | stand
    config = checked(Config, values, name, lines.get)
    config._lines = lines
    return config


def _read(path: Path) -> tuple[Mapping[str, Any], dict[Place, str]]:
    try:
        values, lines = read_yaml(path)
    except FileFault as fault:
        raise ConfigError(str(fault)) from None
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path} holds no keys with values; write it as config.yaml is written")
    return values, {place: f"{path.name}, line {line}" for place, line in lines.items()}


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes` in them, key by key."""
    nested = {
        key: _changed(values[key], change)
        for key, change in changes.items()
        if isinstance(change, Mapping) and isinstance(values.get(key), Mapping)
    }
    return {**values, **changes, **nested}


def _places(values: Any, above: Place = ()) -> Iterator[Place]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield (*above, key)
            yield from _places(value, (*above, key))


def expand(config: Config) -> Plan:
    """The plan of the configured scale. Raises `ConfigError` where a sweep leaves its bounds."""
    scale = config.scales[config.scale]
    datasets: dict[str, DatasetSpec] = {}
    runs: dict[str, RunSpec] = {}
    experiments: dict[str, Experiment] = {}
    for name, experiment in config.experiments.items():
        values = scale.values[name] if experiment.axis else (None,)
        points = []
        for setting, (position, value) in product(
            experiment.settings or (None,), enumerate(values)
        ):
            members = {
                learner: _run(config, name, setting, position, value, learner)
                for learner in experiment.learners
                if learner in (scale.learners or experiment.learners)
            }
            dataset = tested = next(iter(members.values())).dataset
            if experiment.trained == "base":
                members = {each: _run(config, name, None, 0, None, each) for each in members}
                dataset = next(iter(members.values())).dataset
                _require_alike(dataset, tested, f"experiments.{name}")
            datasets |= {each.identity: each for each in (tested, dataset)}
            runs |= {run.identity: run for run in members.values()}
            points.append(
                Point(
                    setting=value if isinstance(value, str) else setting,
                    value=None if isinstance(value, str) else value,
                    dataset=tested.identity,
                    fitted=dataset.identity,
                    runs={learner: run.identity for learner, run in members.items()},
                )
            )
        baselines = experiment.baselines or config.baselines
        experiments[name] = Experiment(
            axis=experiment.axis, baselines=baselines, points=tuple(points)
        )
    return Plan(
        scale=config.scale,
        seed=config.seed,
        compute=scale.compute,
        row_orders=config.row_orders,
        learners=config.learners,
        datasets=datasets,
        runs=runs,
        experiments=experiments,
    )


def _settings(config: Config, name: str) -> dict[str, Any]:
    """Those of an experiment, with what the scale changes in them."""
    changes = config.scales[config.scale].settings.get(name, {})
    return _merged(config.experiments[name].settings, changes)


def _require_alike(fitted: DatasetSpec, tested: DatasetSpec, what: str) -> None:
    """Raises `ConfigError` where what is fitted to one data set cannot take contexts of another."""
    for key in ("context_length", "problem.dimension"):
        here, there = (attrgetter(key)(each) for each in (fitted, tested))
        if here != there:
            raise ConfigError(
                f"{what} is trained at the base point, where {key} = {here}, and cannot be tested "
                f"at {there}; sweep another value, or set trained to point"
            )


def _run(
    config: Config,
    name: str,
    setting: str | None,
    position: int,
    value: Value | None,
    learner: str,
) -> RunSpec:
    """The run of one learner at one point of the sweep `name`."""
    experiment, scale = config.experiments[name], config.scales[config.scale]
    what = f"experiments.{name}" + ("" if setting is None else f" in {setting}")
    what += "" if value is None else f" at {value}"
    what += f" (learner {learner})"
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
        _settings(config, name).get(setting or "", {}),
        own.model_dump(include={"model", "training"}),
    ):
        for part, overrides in changes.items():
            values[part] = _merged(values.get(part, {}), overrides)
    values["learner"] = learner
    axis: Place = tuple(experiment.axis.split(".")) if experiment.axis else ()

    def stand(place: Place) -> str | None:
        if axis and place == axis:
            return config._lines.get(("scales", config.scale, "values", name, position))
        above: tuple[Place, ...] = (
            ("learners", learner),
            ("scales", config.scale, "settings", name, setting or ""),
            ("experiments", name, "settings", setting or ""),
            ("experiments", name, "overrides"),
            ("scales", config.scale, "base"),
            ("recipe",),
        )
        return next((line for each in above if (line := config._lines.get((*each, *place)))), None)

    if axis and value is not None:
        values = _swept(values, axis, value, what)
    steps = values["training"].get("steps")
    if own.relative_steps != 1 and isinstance(steps, int):  # else it is refused as it is
        values["training"]["steps"] = round(own.relative_steps * steps)
    return checked(RunSpec, values, what, stand)


def _swept(values: dict[str, Any], axis: Place, value: Any, what: str) -> dict[str, Any]:
    """The values of a run with the swept one among them, which they need not write."""
    with suppress(ValidationError):  # the fault may be the very value that is swept
        values = RunSpec.model_validate(values).model_dump()  # with all that is left to defaults
    section: Any = values
    for part in axis:
        if not isinstance(section, dict) or part not in section:
            raise ConfigError(
                f"{what}: axis = {'.'.join(map(str, axis))!r} is no value of such a run, which has "
                f"no {part!r} there; name one as in {EXAMPLE}"
            )
        section = section[part]
    change: Any = value
    for part in reversed(axis):
        change = {part: change}
    return _merged(values, change)


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

"""The plan: everything that a configuration asks for at its scale.

`expand` names every data set and every training run that the experiments need by its own content,
so that a point shared by several experiments is made once.
"""

from contextlib import suppress
from itertools import product
from operator import attrgetter
from typing import Any

from pydantic import Field, ValidationError

from nao.checking import ConfigError, checked
from nao.config import Compute, Config, LearnerSpec, Value
from nao.specs import DatasetSpec, RunSpec, Spec
from nao.yaml_files import Place

EXAMPLE = "dataset.problem.noise.std, dataset.train_contexts or model.layers"


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


def expand(config: Config) -> Plan:
    """The plan of the configured scale. Raises `ConfigError` where a sweep leaves its bounds."""
    scale = config.scales[config.scale]
    datasets: dict[str, DatasetSpec] = {}
    runs: dict[str, RunSpec] = {}
    experiments: dict[str, Experiment] = {}
    for name, experiment in config.experiments.items():
        values = scale.values[name] if experiment.axis else (None,)
        points = []
        settings = _settings(config, name) or (None,)
        for setting, (position, value) in product(settings, enumerate(values)):
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
            return config.line(("scales", config.scale, "values", name, position))
        above: tuple[Place, ...] = (
            ("learners", learner),
            ("scales", config.scale, "settings", name, setting or ""),
            ("experiments", name, "settings", setting or ""),
            ("experiments", name, "overrides"),
            ("scales", config.scale, "base"),
            ("recipe",),
        )
        return next((line for each in above if (line := config.line((*each, *place)))), None)

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

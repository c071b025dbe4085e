"""The configuration: which experiments there are, over which values and at which scales.

`load` reads `config.yaml`; `nao.plan` says what follows from it.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    field_validator,
    model_validator,
)

from nao.checking import ConfigError, checked
from nao.specs import Spec
from nao.yaml_files import FileFault, Place, read_yaml

__all__ = ["Config", "ConfigError", "load"]

TABLE_KINDS = ("moments", "mechanism", "examples")
"""Of tables beside the scores of an experiment: the end of their names, and their folder."""
RESERVED = {"gallery", "report", "bench"}  # folders of results beside those of scales


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

    @field_validator("axis")
    @classmethod
    def _varies_values(cls, axis: str | None) -> str | None:
        if axis == "learner":
            raise ValueError(
                "axis = 'learner' names what is trained, and varies nothing of it; list the "
                "learners to compare under learners, and set axis to null"
            )
        return axis


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
        for name, changes in self.scales[self.scale].settings.items():
            known = self.experiments[name].settings
            if unknown := set(changes) - set(known):
                raise ValueError(
                    f"scales.{self.scale}.settings.{name} names {', '.join(sorted(unknown))}, "
                    f"which is no setting of that experiment; choose among {', '.join(known)}"
                )
        return self

    def line(self, place: Place) -> str | None:
        """The file and line where a value was read; None where it was not."""
        return self._lines.get(place)


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

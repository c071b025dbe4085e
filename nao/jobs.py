"""What each rule of the workflow makes, reads and is given: once, for its rules and for the audit.

    job = Job(plan, "train", {"run": identity})
    job.outputs, job.inputs, job.params

The rules take from here all but how a job is run; the audit asks whether a record says the same.
Paths are relative to the results tree. A new rule is a row in `RULES`, a rule in `workflow/rules/`
and a script; neither torch nor matplotlib is imported.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import BaseModel, JsonValue

from nao.config import LearnerSpec
from nao.estimators.table import ESTIMATORS
from nao.figures import FIGURES
from nao.plan import Plan, Point
from nao.specs import DatasetSpec
from nao.targets import CLAIMS, claim_tables, experiment_of, table

Paths = str | list[str]


class UnknownRule(ValueError):
    """A job of a rule that the workflow does not have."""


@dataclass(frozen=True)
class Rule:
    """What a rule makes, by name, with its wildcards in braces; and what it reads and is given.

    `inputs` and `params` take the plan and the wildcards, and give each input and param by name.
    """

    outputs: Mapping[str, str]
    inputs: Callable[..., Mapping[str, Paths]] = lambda plan, **_: {}
    params: Callable[..., Mapping[str, Any]] = lambda plan, **_: {}

    @property
    def wildcards(self) -> set[str]:
        """The names in braces."""
        return set(re.findall(r"{(\w+)}", next(iter(self.outputs.values()))))


@dataclass(frozen=True)
class Job:
    """A rule at its wildcards.

    Raises `UnknownRule`, and `KeyError` for a name that is not planned.
    """

    plan: Plan
    rule: str
    wildcards: Mapping[str, str]

    def __post_init__(self):
        if self.rule not in RULES or RULES[self.rule].wildcards != self.wildcards.keys():
            raise UnknownRule(f"there is no rule {self.rule} of {', '.join(self.wildcards)}")
        for key, value in self.wildcards.items():
            if value not in wildcards(self.plan)[key]:
                raise KeyError(f"{key} = {value!r} is not planned")

    @property
    def outputs(self) -> dict[str, str]:
        """Each output's path, by name."""
        made = RULES[self.rule].outputs.items()
        return {name: path.format(**self.wildcards) for name, path in made}

    @property
    def inputs(self) -> dict[str, Paths]:
        """Each input's path or paths, by name."""
        return dict(RULES[self.rule].inputs(self.plan, **self.wildcards))

    @property
    def params(self) -> dict[str, JsonValue]:
        """What the configuration gives to the job, as JSON holds it."""
        given = RULES[self.rule].params(self.plan, **self.wildcards)
        return json.loads(json.dumps(given, default=_values))

    @property
    def reads(self) -> list[str]:
        """All its inputs' paths, each once."""
        paths = ([each] if isinstance(each, str) else each for each in self.inputs.values())
        return list(dict.fromkeys(path for each in paths for path in each))


def planned(plan: Plan) -> Iterator[Job]:
    """Every job that the plan allows, whether anything asks for it or not.

    Of those on tasks of another data set, the ones that an experiment asks for.
    """
    names = wildcards(plan)
    for rule, row in RULES.items():
        if "elsewhere" not in row.wildcards:
            keys = sorted(row.wildcards)
            for values in product(*(names[key] for key in keys)):
                yield Job(plan, rule, dict(zip(keys, values, strict=True)))
    every = (job for name in plan.experiments for job in scoring(plan, name))
    elsewhere = {str(job.wildcards): job for job in every if "elsewhere" in job.wildcards}
    yield from elsewhere.values()


def scoring(plan: Plan, experiment: str) -> Iterator[Job]:
    """The jobs that score each estimator at each point; points may share some.

    Out of distribution also those on the very contexts that learners were trained on.
    """
    baselines = plan.experiments[experiment].baselines
    for point in _points(plan, experiment):
        shifted = point.dataset != point.fitted
        tested, kind = ({"elsewhere": point.dataset}, "_elsewhere") if shifted else ({}, "")
        for name in baselines:
            fit = {"dataset": point.fitted, "estimator": name}
            yield Job(plan, f"evaluate_baseline{kind}", fit | tested)
        for run in point.runs.values():
            yield Job(plan, f"evaluate_run{kind}", {"run": run} | tested)
    if out_of_distribution(plan, experiment):
        for run in _runs(plan, experiment):
            yield Job(plan, "evaluate_run_memorised", {"run": run})


def wildcards(plan: Plan) -> dict[str, Collection[str]]:
    """All values that each wildcard can have."""
    return {
        "dataset": plan.datasets,
        "elsewhere": plan.datasets,
        "run": plan.runs,
        "estimator": plan.baselines,
        "experiment": plan.experiments,
        "figure": FIGURES,
        "claims": CLAIMS,
    }


def _values(spec: object) -> Any:
    if isinstance(spec, BaseModel):
        return spec.model_dump(mode="json")
    raise TypeError(f"{spec!r} is no param: give built-ins or specifications")


def _data(role: str, dataset: str) -> str:
    return f"datasets/{dataset}/{role}.parquet"


def _data_of(plan: Plan, run: str, *roles: str) -> dict[str, Paths]:
    return {role: _data(role, plan.runs[run].dataset.identity) for role in roles}


def _points(plan: Plan, experiment: str) -> tuple[Point, ...]:
    return plan.experiments[experiment].points


def _runs(plan: Plan, experiment: str) -> Iterable[str]:
    return (run for point in _points(plan, experiment) for run in point.runs.values())


def _specs(plan: Plan, experiment: str) -> dict[str, DatasetSpec]:
    """Of the data sets that an experiment tests on, each once."""
    return {point.dataset: plan.datasets[point.dataset] for point in _points(plan, experiment)}


def _tested(plan: Plan, experiment: str) -> dict[str, Paths]:
    """Test contexts and truth of each of these."""
    datasets = _specs(plan, experiment)
    return {role: [_data(role, each) for each in datasets] for role in ("test", "truth")}


def _transformers(plan: Plan, experiment: str) -> list[str]:
    runs = dict.fromkeys(_runs(plan, experiment))
    return [run for run in runs if plan.runs[run].model.kind == "transformer"]


def _seen(plan: Plan, dataset: str, estimator: str) -> dict[str, Paths]:
    """The test contexts, and what else an estimator uses: what it does not, it never gets."""
    needs = ESTIMATORS[estimator]
    roles = ["test"]
    roles += ["train"] if needs.needs_training else []
    roles += ["truth"] if needs.needs_truth else []
    return {role: _data(role, dataset) for role in roles}


def _learners(plan: Plan, tables: Iterable[str]) -> dict[str, LearnerSpec]:
    """The learners in these tables, in the order of the configuration."""
    names = {
        name
        for each in map(experiment_of, tables)
        for point in _points(plan, each)
        for name in point.runs
    }
    return {name: learner for name, learner in plan.learners.items() if name in names}


def out_of_distribution(plan: Plan, experiment: str) -> bool:
    """Whether an experiment tests estimators on tasks of other laws than they were fitted to."""
    return any(point.dataset != point.fitted for point in _points(plan, experiment))


def _scores(plan: Plan, experiment: str) -> dict[str, Paths]:
    """The scores of every estimator at every point; shared points once."""
    paths = (job.outputs["scores"] for job in scoring(plan, experiment))
    return {"scores": list(dict.fromkeys(paths))}


def _estimates(plan: Plan, experiment: str) -> list[str]:
    """What every estimator made of the test contexts of the data that it was fitted to."""
    spec = plan.experiments[experiment]
    fitted = dict.fromkeys(point.fitted for point in spec.points)
    baselines = (f"baselines/{each}/{name}" for each in fitted for name in spec.baselines)
    runs = (f"runs/{run}" for run in dict.fromkeys(_runs(plan, experiment)))
    return [f"{folder}/estimates.parquet" for folder in (*baselines, *runs)]


RULES = {
    "make_dataset": Rule(
        outputs={role: _data(role, "{dataset}") for role in ("train", "test", "truth")},
        params=lambda plan, dataset: {"spec": plan.datasets[dataset]},
    ),
    "train": Rule(
        outputs={"model": "runs/{run}/model.safetensors", "history": "runs/{run}/history.parquet"},
        inputs=lambda plan, run: _data_of(plan, run, "train"),
        params=lambda plan, run: {"spec": plan.runs[run]},
    ),
    "evaluate_run": Rule(
        outputs={name: f"runs/{{run}}/{name}.parquet" for name in ("estimates", "scores")},
        inputs=lambda plan, run: {
            "model": f"runs/{run}/model.safetensors",
            **_data_of(plan, run, "test"),
        },
        params=lambda plan, run: {"row_orders": plan.row_orders, "seed": plan.seed},
    ),
    "evaluate_run_elsewhere": Rule(
        outputs={"scores": "runs/{run}/on/{elsewhere}/scores.parquet"},
        inputs=lambda plan, run, elsewhere: {
            "model": f"runs/{run}/model.safetensors",
            "test": _data("test", elsewhere),
        },
    ),
    "evaluate_run_memorised": Rule(
        outputs={"scores": "runs/{run}/memorised/scores.parquet"},
        inputs=lambda plan, run: {
            "model": f"runs/{run}/model.safetensors",
            **_data_of(plan, run, "train"),
        },
    ),
    "extract_prior": Rule(
        outputs={"prior": "runs/{run}/prior.parquet"},
        inputs=lambda plan, run: {
            "estimates": f"runs/{run}/estimates.parquet",
            **_data_of(plan, run, "test", "truth"),
        },
    ),
    "evaluate_baseline": Rule(
        outputs={
            name: f"baselines/{{dataset}}/{{estimator}}/{name}.parquet"
            for name in ("estimates", "scores")
        },
        inputs=_seen,
    ),
    "evaluate_baseline_elsewhere": Rule(
        outputs={"scores": "baselines/{dataset}/{estimator}/on/{elsewhere}/scores.parquet"},
        inputs=lambda plan, dataset, estimator, elsewhere: {
            **_seen(plan, dataset, estimator),
            "test": _data("test", elsewhere),
        },
    ),
    "tabulate_experiment": Rule(
        outputs={"table": table("{experiment}")},
        inputs=_scores,
        params=lambda plan, experiment: {
            "experiment": plan.experiments[experiment],
            "datasets": _specs(plan, experiment),
        },
    ),
    "tabulate_moments": Rule(
        outputs={"table": table("{experiment}_moments")},
        inputs=lambda plan, experiment: {
            "priors": [f"runs/{run}/prior.parquet" for run in _runs(plan, experiment)]
        },
        params=lambda plan, experiment: {
            "experiment": plan.experiments[experiment],
            "runs": {run: plan.runs[run] for run in _runs(plan, experiment)},
        },
    ),
    "tabulate_examples": Rule(
        outputs={"table": table("{experiment}_examples")},
        inputs=lambda plan, experiment: {
            "estimates": _estimates(plan, experiment),
            **_tested(plan, experiment),
        },
        params=lambda plan, experiment: {
            "experiment": plan.experiments[experiment],
            "datasets": _specs(plan, experiment),
        },
    ),
    "probe_layers": Rule(
        outputs={"table": table("{experiment}_mechanism")},
        inputs=lambda plan, experiment: {
            "models": [f"runs/{run}/model.safetensors" for run in _transformers(plan, experiment)],
            **_tested(plan, experiment),
        },
        params=lambda plan, experiment: {"experiment": plan.experiments[experiment]},
    ),
    "draw_figure": Rule(
        outputs={kind: f"figures/{{figure}}.{kind}" for kind in ("pdf", "png")},
        inputs=lambda plan, figure: {"tables": [table(name) for name in FIGURES[figure].tables]},
        params=lambda plan, figure: {
            "learners": {
                name: learner.model_dump(mode="json", include={"label", "look"})
                for name, learner in _learners(plan, FIGURES[figure].tables).items()
            }
        },
    ),
    "judge_claims": Rule(
        outputs={"table": "{claims}.parquet", "text": "{claims}.md"},
        inputs=lambda plan, claims: {"tables": [table(name) for name in claim_tables(claims)]},
        params=lambda plan, claims: {
            "labels": {
                name: learner.label
                for name, learner in _learners(plan, claim_tables(claims)).items()
            }
        },
    ),
}

"""The clone at hand: where it is, and what its configuration gives to each job."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import yaml

from nao.config import Plan, expand, load
from nao.provenance.fingerprint import repository_of
from nao.provenance.schema import Record
from nao.provenance.today import Params, Today
from nao.specs import Spec

CONFIG = "config.yaml"


def clone_at(named: Path | None = None) -> Path | None:
    """The clone to compare with: the named one, else the one around the working folder, else ours.

    None where there is none, as with an installed package. Raises ``FileNotFoundError`` if the
    named folder is no clone.
    """
    if named is not None:
        if not is_clone(named):
            raise FileNotFoundError(f"{named} holds no {CONFIG} and nao/; name a clone")
        return named.resolve()
    here = Path.cwd().resolve()
    ours = repository_of(Path(__file__).resolve())
    return next((folder for folder in (here, *here.parents, ours) if is_clone(folder)), None)


def is_clone(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / "nao" / "__init__.py").is_file()


def today_at(clone: Path | None) -> Today | None:
    """Today's code, lock and configuration of a clone.

    Raises :class:`nao.config.ConfigError` for a configuration that asks for the impossible.
    """
    return Today(clone, expected_at(clone)) if clone is not None else None


def expected_at(clone: Path) -> Callable[[Record], Params | None]:
    """What the clone's configuration gives to the job of a record; see :func:`params_of`."""
    load(clone / CONFIG)  # faults are told before anything is hashed
    plan = cache(lambda scale: plan_at(clone, scale))

    def expected(record: Record) -> Params | None:
        wanted = plan(record.tree)
        return params_of(wanted, record.rule, record.wildcards) if wanted else None

    return expected


def plan_at(clone: Path, scale: str) -> Plan | None:
    """Today's plan at a scale, as a tree is named; None for a scale that is not configured."""
    values = yaml.safe_load((clone / CONFIG).read_text())
    return expand(load({**values, "scale": scale})) if scale in values["scales"] else None


def params_of(plan: Plan, rule: str, wildcards: Mapping[str, str]) -> Params | None:
    """The params that a plan determines for a job of the workflow's ``rule``.

    Empty for a rule that takes none from the configuration, None for a job outside the plan.
    """
    try:
        return _PARAMS.get(rule, _nothing)(plan, **wildcards)
    except KeyError:
        return None


def _nothing(plan: Plan, **_: str) -> Params:
    return {}


def _make_dataset(plan: Plan, dataset: str) -> Params:
    return {"spec": _values(plan.datasets[dataset])}


def _train(plan: Plan, run: str) -> Params:
    return {"spec": _values(plan.runs[run])}


def _evaluate_run(plan: Plan, run: str) -> Params:
    return {"row_orders": plan.row_orders, "seed": plan.seed}


def _tabulate_experiment(plan: Plan, experiment: str) -> Params:
    points = plan.experiments[experiment].points
    return {
        "experiment": _values(plan.experiments[experiment]),
        "datasets": {point.dataset: _values(plan.datasets[point.dataset]) for point in points},
        "baselines": list(plan.baselines),
    }


def _tabulate_moments(plan: Plan, experiment: str) -> Params:
    points = plan.experiments[experiment].points
    runs = [run for point in points for run in point.runs.values()]
    return {
        "experiment": _values(plan.experiments[experiment]),
        "runs": {run: _values(plan.runs[run]) for run in runs},
    }


def _values(spec: Spec) -> Params:
    return spec.model_dump(mode="json")


# A rule that takes params from the configuration has its row here.
_PARAMS: dict[str, Callable[..., Params]] = {
    "make_dataset": _make_dataset,
    "train": _train,
    "evaluate_run": _evaluate_run,
    "tabulate_experiment": _tabulate_experiment,
    "tabulate_moments": _tabulate_moments,
}

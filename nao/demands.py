"""What figures and claims ask of experiments: points and names they can tell apart, and the oracle.

A figure draws points against their value or side by side by their setting, and a curve for each
name. What it takes for one it would draw as one in silence, and what has no value has no place on
an axis; so the workflow refuses such a plan before any work.
"""

import math
import unicodedata
from collections import Counter
from dataclasses import dataclass

from nao.checking import ConfigError
from nao.estimators.table import ESTIMATORS
from nao.figures import FIGURES
from nao.plan import Experiment, Plan
from nao.targets import experiment_of

ORACLE = "oracle_ridge"
LONGEST_TRAINING = 10**9
"""Steps: years, on any machine."""
LARGEST_STEP = 1e30
"""Of a weight, with room for what a model makes of it: single precision ends at 3e38."""
MOST_ORDERS = 10_000
"""Row orders to average over: what more would leave is a hundredth of what one order does."""


@dataclass(frozen=True)
class Points:
    """By which parts of a point a figure tells points apart, and which it cannot do without."""

    apart: tuple[str, ...]
    needed: tuple[str, ...]


SWEEP = Points(("value",), ("value",))
SWEEP_IN_EACH = Points(("setting", "value"), ("setting", "value"))
ONE = Points((), ())
LONGEST = Points(("value",), ())  # of several points the one of the largest value
LONGEST_OF_EACH = Points(("setting", "value"), ("setting",))
POINTS = {
    "prior": ONE,
    "recipe_variants": ONE,
    "ablations": LONGEST,
    "priors": LONGEST_OF_EACH,
    "noise_laws": LONGEST_OF_EACH,
    "noise_spread": LONGEST_OF_EACH,
    "operators": Points(("setting",), ("setting",)),
    "depth": SWEEP_IN_EACH,
    "experts": SWEEP_IN_EACH,
}
"""Of experiments that figures draw; the others are sweeps."""
GIVEN_BY = {"value": "an axis of numbers", "setting": "settings"}
KERNELS = ("cosines", "bump")
"""Priors of each operator, in the names of settings.

Figures and claims have these names, `MIXTURES` and `BASELINES` for themselves, since they load what
planning must not wait for; a test holds them together.
"""
MIXTURES = {"mixture4", "mixture16"}
"""Priors of the panels against the experts of a mixture."""
BASELINES = {
    "least squares",
    "Lasso",
    "RE",
    "RE, L-curve",
    "DARTR",
    "DARTR, GCV",
    "TRE",
    "TRE debiased",
    "EM",
    "EM, mixture",
    "EM, full rank",
    "PCA least squares",
    "ORE",
    "posterior mean",
}
"""What legends and claims call them."""


def require(plan: Plan) -> None:
    """Raises `ConfigError` where an estimator is unknown, or a figure lacks what it draws."""
    for name in plan.baselines:
        if name not in ESTIMATORS:
            raise ConfigError(
                f"baselines: {name!r} is no estimator; choose among {', '.join(ESTIMATORS)}"
            )
    _require_names(plan)
    _require_bounds(plan)
    for figure, drawing in FIGURES.items():
        for name in dict.fromkeys(map(experiment_of, drawing.tables)):
            if name not in plan.experiments:
                raise ConfigError(
                    f"config.yaml has no experiments.{name}, which {figure} draws; add it"
                )
            experiment = plan.experiments[name]
            if ORACLE not in experiment.baselines:
                raise ConfigError(
                    f"baselines of experiments.{name} lack {ORACLE!r}, which {figure} holds errors "
                    "against; add it"
                )
            _require_points(f"experiments.{name}", experiment, POINTS.get(name, SWEEP), figure)
    _require_what_is_shown(plan)


def _require_names(plan: Plan) -> None:
    """Names and labels of their own for all estimators of an experiment, trained or not."""
    if taken := plan.learners.keys() & ESTIMATORS.keys():
        raise ConfigError(
            f"learners.{min(taken)} has the name of a baseline, with which tables would mix it; "
            "name it otherwise"
        )
    for name, learner in plan.learners.items():
        if learner.label.startswith("_") or not learner.label.isprintable():
            raise ConfigError(
                f"learners.{name}.label = {learner.label!r} would be left out of legends or break "
                "them; begin it with a letter, on one line"
            )
        if odd := {"$", "|"} & set(learner.label):
            raise ConfigError(
                f"learners.{name}.label = {learner.label!r} has a {min(odd)!r}, which legends or "
                "the tables of claims take for a mark of theirs; leave it out"
            )
        if learner.label != " ".join(learner.label.split()):
            raise ConfigError(
                f"learners.{name}.label = {learner.label!r} has blanks that no reader sees; leave "
                "one between two words"
            )
        if _folded(learner.label) in map(_folded, BASELINES):
            raise ConfigError(
                f"learners.{name}.label = {learner.label!r} is that of a baseline; change it"
            )
    for experiment, each in plan.experiments.items():
        learners = {learner for point in each.points for learner in point.runs}
        # In looks the case of a marker tells it from others.
        for key, told in (("label", _folded), ("look", str)):
            first: dict[str, str] = {}
            for name in sorted(learners):
                shown = getattr(plan.learners[name], key)
                if shown and (other := first.setdefault(told(shown), name)) != name:
                    raise ConfigError(
                        f"learners.{name}.{key} is that of {other}, and experiments.{experiment} "
                        "has both, which a figure could not tell apart; change one"
                    )


def _folded(label: str) -> str:
    """What a reader takes two labels for: letters of any width and case are the same."""
    return unicodedata.normalize("NFKC", label).casefold()


def _require_bounds(plan: Plan) -> None:
    if plan.row_orders > MOST_ORDERS:
        raise ConfigError(
            f"row_orders = {plan.row_orders} is more than {MOST_ORDERS}, which leave nothing to "
            "average out; lower it"
        )
    for name, run in plan.runs.items():
        training = run.training
        if training.steps > LONGEST_TRAINING:
            raise ConfigError(
                f"{name} would take {training.steps:g} steps, more than {LONGEST_TRAINING:g}; "
                f"lower learners.{run.learner}.relative_steps or training.steps"
            )
        # Adam divides its first mean by 1 - beta1.
        step = training.learning_rate * max(1, training.norm_rate) / (1 - training.beta1)
        if step > LARGEST_STEP:
            raise ConfigError(
                f"learners.{run.learner}: learning_rate · norm_rate / (1 - beta1) = {step:g} is "
                f"more than {LARGEST_STEP:g}, beyond single precision; lower one of the three"
            )


def _require_points(what: str, experiment: Experiment, points: Points, figure: str) -> None:
    for part in points.needed:
        if any(getattr(point, part) is None for point in experiment.points):
            raise ConfigError(
                f"{what} has not {GIVEN_BY[part]}, by which {figure} draws it; give it {part}s"
            )
    keys = Counter(
        tuple(getattr(point, part) for part in points.apart) for point in experiment.points
    )
    if max(keys.values()) > 1:
        by = " and ".join(f"{part}s" for part in points.apart) or "one point alone"
        raise ConfigError(
            f"{what} has {len(experiment.points)} points of which {figure}, that goes by {by}, "
            "would take some for one; leave out its axis or its settings"
        )


def _require_what_is_shown(plan: Plan) -> None:
    """Two priors in each operator, two mixtures, images, and layers of a transformer."""
    settings = {str(point.setting) for point in plan.experiments["operators"].points}
    operators = {setting.partition("_")[0] for setting in settings}
    shown = {f"{operator}_{prior}" for operator in operators for prior in KERNELS}
    if astray := settings ^ shown:
        raise ConfigError(
            "experiments.operators.settings: fig8 shows each operator under "
            f"{' and '.join(KERNELS)}, by names such as integral_cosines; add, rename or remove "
            f"{min(astray)}"
        )
    mixtures = {str(point.setting) for point in plan.experiments["experts"].points}
    if mixtures != MIXTURES:
        raise ConfigError(
            f"experiments.experts.settings: fig5 shows {' and '.join(sorted(MIXTURES))}, and there "
            f"is {', '.join(sorted(mixtures))}; name them so"
        )
    for point in plan.experiments["digits"].points:
        pixels = plan.datasets[point.dataset].problem.dimension
        if math.isqrt(pixels) ** 2 != pixels:
            raise ConfigError(
                f"experiments.digits: dataset.problem.dimension = {pixels} is no square, and fig9 "
                "draws images; change it"
            )
    lengths = plan.experiments["training_length"].points
    kinds = {plan.runs[run].model.kind for point in lengths for run in point.runs.values()}
    if "transformer" not in kinds:
        raise ConfigError(
            "experiments.training_length has no learner that is a transformer, whose layers the "
            "figure mechanism draws; add one"
        )

"""What is asked and measured of estimators on tasks of another law than their own (C14)."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from nao.analysis.sweeps import UNKNOWN, log_ratio, mean_interval
from nao.analysis.tables import MEMORISED, fitted_at
from nao.claims.measures import ORACLE, RIDGE, curve, finding, geometric, learners
from nao.claims.tolerances import ANY_LESS, NEAR_ORACLE
from nao.claims.verdicts import Finding, Rule, Tables


def worst(tables: Tables, experiments: tuple[str, ...], reference: str) -> Iterator[Finding]:
    """RMSE over the reference's at the point of these sweeps where that is largest.

    The point that estimators were fitted at is none of them; the note says what the ratio is there.
    """
    names = {name: None for each in experiments for name, _ in learners(tables[each])}
    for name in names:
        ratios = pd.concat(
            {each: _ratio(tables[each], name, reference) for each in experiments}, axis=1
        )
        home = [(each, fitted_at(tables[each])) for each in experiments]
        shifted = ratios.drop(columns=[point for point in home if point in ratios])
        means = shifted.mean()
        if means.isna().all():
            yield finding(name, shifted, UNKNOWN, "no other law was tested")
            continue
        largest = int(np.nanargmax(means))
        experiment, value = means.index.to_list()[largest]
        inside = np.exp(ratios[home[0]].mean()) if home[0] in ratios else np.nan
        note = f"at {experiment} = {value:g}; where it was fitted {inside:.3g}"
        yield finding(name, shifted, geometric(mean_interval(shifted.iloc[:, largest])), note)


def generalisation(tables: Tables, experiments: tuple[str, ...]) -> Iterator[Finding]:
    """RMSE on fresh contexts over that on contexts of the training, where a learner was fitted."""
    table = tables[experiments[0]]
    home = table[table["value"] == fitted_at(table)]
    for name, fresh in learners(home):
        seen = curve(home, name, f"{MEMORISED}rmse")
        ratio = log_ratio(fresh, seen)
        shifted = (
            f"{each.removeprefix('shifted_')} {np.exp(curve(tables[each], name).mean().max()):.3g}"
            for each in experiments
        )
        note = (
            f"RMSE memorised {_mean(seen):.3g}, in distribution {_mean(fresh):.3g}, out of it up "
            f"to: {', '.join(shifted)}"
        )
        every = pd.concat([fresh, seen])
        values = pd.Series(ratio.to_numpy().ravel(), dtype=float)
        yield finding(name, every, geometric(mean_interval(values)), note)


def _mean(logs: pd.DataFrame) -> float:
    return float(np.exp(logs.mean().mean()))


def _ratio(table: pd.DataFrame, name: str, reference: str) -> pd.DataFrame:
    return log_ratio(curve(table, name), curve(table, reference))


SHIFTED = {
    "shifted_noise": "the noise",
    "shifted_condition": "κ(Σ_x)",
    "shifted_task_dimension": "r_w",
    "shifted_subspace": "the directions U of the prior",
}


def _as_the_old_oracle(claim: str, experiment: str) -> Rule:
    """A network that holds the prior of its training errs elsewhere as that prior makes it err."""
    return Rule(
        claim,
        f"Tested with {SHIFTED[experiment]} shifted, NAO comes to the posterior mean under the law "
        "of its training",
        f"the ratio of RMSE is at most {NEAR_ORACLE:g} at every shifted point (geometric mean "
        "over replicates)",
        "largest NAO/ORE, ORE told the truth of training",
        (ANY_LESS, NEAR_ORACLE),
        (experiment,),
        partial(worst, experiments=(experiment,), reference=ORACLE),
    )


RULES = (
    _as_the_old_oracle("C14a", "shifted_noise"),
    _as_the_old_oracle("C14b", "shifted_condition"),
    _as_the_old_oracle("C14c", "shifted_task_dimension"),
    _as_the_old_oracle("C14d", "shifted_subspace"),
    Rule(
        "C14e",
        "Whatever is shifted, NAO is no worse than ridge regression, which assumes no prior",
        "the ratio of RMSE is at most 1 at every shifted point (geometric mean over replicates)",
        "largest NAO/RE",
        (ANY_LESS, 1),
        tuple(SHIFTED),
        partial(worst, experiments=tuple(SHIFTED), reference=RIDGE),
    ),
    Rule(
        "C14f",
        "On fresh tasks of its training's law NAO is as on tasks that it was trained on",
        f"the ratio of RMSE is at most {NEAR_ORACLE:g} (geometric mean over replicates)",
        "RMSE in distribution / memorised",
        (ANY_LESS, NEAR_ORACLE),
        tuple(SHIFTED),
        partial(generalisation, experiments=tuple(SHIFTED)),
    ),
)

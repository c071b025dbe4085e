"""What is asked and measured of the error against the number of layers (C7)."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from nao.analysis.sweeps import mean_interval
from nao.claims.measures import ORACLE, finding, geometric, learners
from nao.claims.tolerances import ANY_LESS, ANY_MORE, SUFFICES
from nao.claims.verdicts import Finding, Rule, Tables


def gain(tables: Tables, setting: str) -> Iterator[Finding]:
    """RMSE at the fewest layers over that at the best number of them."""
    table = tables["depth"]
    rows = table[table["setting"] == setting]
    steps = rows[(rows["estimator"] == ORACLE) & (rows["metric"] == "polynomial_rmse")]
    best_steps = steps.groupby("layers")["score"].median()
    for name, scores in learners(rows):
        few, best = scores.columns[0], _best(scores)
        plain = best_steps.get(few, np.nan) / best_steps.get(best, np.nan)
        note = f"L = {few:g} against {best:g}; as many gradient steps at best {plain:.3g}"
        ratio = geometric(mean_interval(_gain(scores)))
        yield finding(name, scores, ratio, note)


def gain_ratio(tables: Tables, high: str, low: str) -> Iterator[Finding]:
    """The gain in one setting over that in the other."""
    table = tables["depth"]
    of_low = dict(learners(table[table["setting"] == low]))
    for name, scores in learners(table[table["setting"] == high]):
        if name in of_low:
            both = pd.concat([scores, of_low[name]])
            ratio = _gain(scores) - _gain(of_low[name])
            yield finding(name, both, geometric(mean_interval(ratio)))


def _best(scores: pd.DataFrame) -> float:
    """The number of layers with the least error in the mean of its logarithm."""
    means = scores.mean().to_numpy()
    return np.nan if np.isnan(means).all() else float(scores.columns[int(np.nanargmin(means))])


def _gain(scores: pd.DataFrame) -> pd.Series:
    """ln of the ratio by replicate."""
    best = _best(scores)
    if np.isnan(best):
        return pd.Series(np.nan, scores.index)
    return scores.iloc[:, 0] - scores[best]


RULES = (
    Rule(
        "C7a",
        "Where r_w is small two layers suffice",
        f"RMSE at the fewest layers is at most {SUFFICES:g} times that at the best number "
        "(geometric mean over replicates)",
        "RMSE at L = 2 / at the best L, r_w small",
        (ANY_LESS, SUFFICES),
        ("depth",),
        partial(gain, setting="low"),
    ),
    Rule(
        "C7b",
        "At r_w = 0.4 n depth is needed",
        f"RMSE at the fewest layers is at least {SUFFICES:g} times that at the best number "
        "(geometric mean over replicates)",
        "RMSE at L = 2 / at the best L, r_w = 0.4 n",
        (SUFFICES, ANY_MORE),
        ("depth",),
        partial(gain, setting="high"),
    ),
    Rule(
        "C7c",
        "Depth is worth more at r_w = 0.4 n than where r_w is small",
        "the ratio of RMSE at the fewest layers to that at the best number is at least "
        f"{SUFFICES:g} times as large there (geometric mean over replicates)",
        "gain by depth at r_w = 0.4 n / where r_w is small",
        (SUFFICES, ANY_MORE),
        ("depth",),
        partial(gain_ratio, high="high", low="low"),
    ),
)

"""What is measured of the networks with one choice changed (C9), and of rivals (C11)."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from nao.analysis.sweeps import log_ratio, longest, mean_interval
from nao.claims.measures import curve, finding, geometric
from nao.claims.verdicts import Finding, Tables

NETWORKS = ("paper", "heldout")  # the paper's and ours, each as it is


def over(tables: Tables, pairs: Mapping[str, str]) -> Iterator[Finding]:
    """RMSE of each estimator over that of the one it is to be held against."""
    table = longest(tables["ablations"])
    for name, reference in pairs.items():
        scores, held = curve(table, name), curve(table, reference)
        if not (scores.empty or held.empty):
            ratio = log_ratio(scores, held).iloc[:, -1]
            yield finding(name, scores, geometric(mean_interval(ratio)), f"against {reference}")


def over_best(tables: Tables, rivals: tuple[str, ...]) -> Iterator[Finding]:
    """RMSE of both networks over that of the rival whose error is least."""
    table = longest(tables["ablations"])
    known = {name: scores for name in rivals if not (scores := curve(table, name)).empty}
    if not known:
        return
    means = pd.Series({name: float(np.nanmean(scores)) for name, scores in known.items()})
    yield from over(tables, dict.fromkeys(NETWORKS, str(means.idxmin())))

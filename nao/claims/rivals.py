"""What is asked and measured of learners against rivals at every point of a sweep (C12, C13)."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from nao.analysis.sweeps import UNKNOWN, log_ratio
from nao.claims.measures import (
    NAO,
    ORACLE,
    RIDGE,
    TWO_STAGE,
    curve,
    finding,
    geometric,
    over_replicates,
)
from nao.claims.tolerances import ANY_LESS, NEAR_ORACLE, SUFFICES
from nao.claims.verdicts import Finding, Rule, Tables


def largest_ratio(
    tables: Tables,
    experiment: str,
    rivals: tuple[str, ...],
    metrics: tuple[str, ...] = ("rmse",),
    settings: str = "",
    model: str = NAO,
) -> Iterator[Finding]:
    """Error over that of any rival, the largest over points and metrics in each replicate.

    Points are those whose setting's name ends in `settings`. A rival that has no answer at a point
    is none there.
    """
    table = tables[experiment]
    chosen = table[table["setting"].str.endswith(settings)]
    for name in chosen.loc[chosen["model"] == model, "estimator"].unique():
        ratios = {
            f"{metric} over {rival} in {setting}, {value:g}": log_ratio(
                curve(rows, name, metric), other
            ).iloc[:, 0]
            for (setting, value), rows in chosen.groupby(["setting", "value"], sort=False)
            for metric in metrics
            for rival in rivals
            if (other := curve(rows, rival, metric)).notna().to_numpy().any()
        }
        if not ratios:
            yield finding(name, pd.DataFrame(), UNKNOWN, "no rival has an answer")
            continue
        every = pd.concat(ratios, axis=1)
        worst = every.max(axis=1, skipna=False)
        where = "" if every.isna().all(axis=None) else f"{every.mean().idxmax()}"
        yield finding(str(name), every, geometric(over_replicates(worst)), where)


RULES = (
    Rule(
        "C12a",
        "For kernels in operators NAO errs less than ridge and two-stage ridge do",
        "the largest ratio of RMSE, and of the median error, to RE by GCV, RE by L-curve and TRE, "
        "over all operators with the Gaussian prior, is below 1 in every replicate",
        "largest NAO/rival",
        (ANY_LESS, 1.0),
        ("operators",),
        partial(
            largest_ratio,
            experiment="operators",
            rivals=(RIDGE, "ridge_l_curve", TWO_STAGE),
            metrics=("rmse", "median_error"),
            settings="_cosines",
        ),
    ),
    Rule(
        "C12b",
        "For kernels in operators NAO predicts nearly as well as the oracle",
        f"the largest ratio of prediction errors, over all operators with the Gaussian prior, is "
        f"at most {SUFFICES:g} in every replicate",
        "largest NAO/ORE in prediction",
        (ANY_LESS, SUFFICES),
        ("operators",),
        partial(
            largest_ratio,
            experiment="operators",
            rivals=(ORACLE,),
            metrics=("prediction_rmse",),
            settings="_cosines",
        ),
    ),
    Rule(
        "C13a",
        "For images NAO errs less than ridge and two-stage ridge do",
        "the largest ratio of RMSE over all n is below 1 in every replicate",
        "largest NAO/rival",
        (ANY_LESS, 1.0),
        ("digits",),
        partial(
            largest_ratio,
            experiment="digits",
            rivals=(RIDGE, TWO_STAGE),
        ),
    ),
    Rule(
        "C13b",
        "For images NAO comes to the best estimator linear in Y",
        f"the largest ratio of RMSE over all n is at most {NEAR_ORACLE:g} in every replicate",
        "largest NAO/ORE, ORE told the moments of the training images",
        (ANY_LESS, NEAR_ORACLE),
        ("digits",),
        partial(largest_ratio, experiment="digits", rivals=(ORACLE,)),
    ),
    Rule(
        "C13c",
        "For images the mixture of ridges passes the best estimator linear in Y",
        "the largest ratio of RMSE over all n is below 1 in every replicate",
        "largest MoRB/ORE, ORE told the moments of the training images",
        (ANY_LESS, 1.0),
        ("digits",),
        partial(
            largest_ratio,
            experiment="digits",
            rivals=(ORACLE,),
            model="mixture_of_ridges",
        ),
    ),
)

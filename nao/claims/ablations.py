"""What is asked and measured of the networks with one choice changed (C9), and of rivals (C11)."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd

from nao.analysis.sweeps import log_ratio, longest, mean_interval
from nao.claims.measures import RIDGE, curve, finding, geometric
from nao.claims.tolerances import ANY_LESS, ANY_MORE, NEAR_ORACLE
from nao.claims.verdicts import Finding, Rule, Tables

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


RULES = (
    Rule(
        "C9a",
        "Linear attention beats softmax",
        "from random weights and all else equal, the RMSE with softmax over that with linear "
        "attention exceeds 1 (geometric mean over replicates)",
        "RMSE with softmax/linear attention",
        (1, ANY_MORE),
        ("ablations",),
        partial(over, pairs={"paper_softmax": "paper_random", "heldout_softmax": "uncoded"}),
    ),
    Rule(
        "C9b",
        "Without LayerNorm NAO degrades to ridge",
        f"two layers without it have at least 1/{NEAR_ORACLE:g} of the RMSE of RE (geometric mean "
        "over replicates)",
        "RMSE without LayerNorm/RE's",
        (1 / NEAR_ORACLE, ANY_MORE),
        ("ablations",),
        partial(
            over,
            pairs=dict.fromkeys(("paper_unnormed", "heldout_unnormed"), RIDGE),
        ),
    ),
    Rule(
        "C9c",
        "With one layer NAO degrades to ridge",
        f"one layer has at least 1/{NEAR_ORACLE:g} of the RMSE of RE (geometric mean over "
        "replicates)",
        "RMSE of one layer/RE's",
        (1 / NEAR_ORACLE, ANY_MORE),
        ("ablations",),
        partial(
            over,
            pairs=dict.fromkeys(("paper_one_layer", "heldout_one_layer"), RIDGE),
        ),
    ),
    Rule(
        "C9d",
        "LayerNorm helps",
        "two layers without it have more RMSE than two with it (geometric mean over replicates)",
        "RMSE without/with LayerNorm",
        (1, ANY_MORE),
        ("ablations",),
        partial(
            over,
            pairs={
                "paper_unnormed": "paper_two_layers",
                "heldout_unnormed": "heldout_two_layers",
            },
        ),
    ),
    Rule(
        "C11a",
        "NAO comes to EM, which learns from the same contexts",
        f"at the base point NAO/EM is at most {NEAR_ORACLE:g} (geometric mean over replicates)",
        "NAO/EM",
        (ANY_LESS, NEAR_ORACLE),
        ("ablations",),
        partial(over, pairs=dict.fromkeys(NETWORKS, "empirical_bayes")),
    ),
    Rule(
        "C11b",
        "NAO passes debiased two-stage ridge",
        "at the base point the ratio of RMSE is below 1 (geometric mean over replicates)",
        "NAO/debiased TRE",
        (ANY_LESS, 1),
        ("ablations",),
        partial(over, pairs=dict.fromkeys(NETWORKS, "two_stage_ridge_debiased")),
    ),
    Rule(
        "C11c",
        "NAO passes the rivals learned by the same training",
        "at the base point NAO over the better of UPG and RTT is below 1 (geometric mean over "
        "replicates)",
        "NAO/best learned rival",
        (ANY_LESS, 1),
        ("ablations",),
        partial(over_best, rivals=("upg", "rtt")),
    ),
)

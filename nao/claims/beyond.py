"""What is asked and measured of laws beyond the Gaussian and of posteriors (C8)."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from nao.analysis.calibration import CALIBRATED, posterior_over_true
from nao.analysis.sweeps import UNKNOWN, log_ratio, log_scores, longest, mean_interval
from nao.claims.measures import NAO, ORACLE, curve, finding, geometric
from nao.claims.tolerances import ANY_LESS, AT_FLOOR, NEAR_ORACLE
from nao.claims.verdicts import Finding, Rule, Tables

GAUSSIAN = "gaussian"
EXACT = "posterior_mean"


def away_from_gaussian(tables: Tables, experiment: str) -> Iterator[Finding]:
    """NAO/ORE over what it is under the Gaussian law, in the setting where that is largest."""
    table = longest(tables[experiment])
    for name in _trained(table, nao=True):
        ratios = _ratios(table, name, ORACLE)
        if GAUSSIAN in ratios:
            home = ratios.pop(GAUSSIAN)
            note = f"under the Gaussian law {np.exp(home.mean()):.3g}"
            yield _worst(name, ratios.sub(home, axis=0), note)


def against(
    tables: Tables, experiment: str, settings: tuple[str, ...], reference: str, nao: bool = False
) -> Iterator[Finding]:
    """RMSE over the reference's, in the one of these settings where that is largest."""
    table = longest(tables[experiment])
    table = table[table["setting"].isin(settings)]
    for name in _trained(table, nao):
        yield _worst(name, _ratios(table, name, reference))


def last_doubling(tables: Tables, experiment: str) -> Iterator[Finding]:
    """RMSE at the last value but one of a sweep over that at the last, where that is largest."""
    table = tables[experiment]
    for name in _trained(table, nao=False):
        by_setting = {
            str(setting): errors.iloc[:, -2] - errors.iloc[:, -1]
            for setting, rows in table.groupby("setting", sort=False)
            if (errors := curve(rows, name)).shape[1] > 1
        }
        if by_setting:
            yield _worst(name, pd.concat(by_setting, axis=1))


def calibration(tables: Tables, experiment: str) -> Iterator[Finding]:
    """Predicted over true RMSE of each that has a posterior, in the setting where it is most off.

    Where an estimator has no answer none is asked of it.
    """
    ratios = posterior_over_true(longest(tables[experiment]))
    for name, rows in ratios.groupby("estimator", sort=False):
        by_setting = {
            str(setting): log_scores(own).iloc[:, -1]
            for setting, own in rows.groupby("setting", sort=False)
            if own["reason"].isna().all()
        }
        if by_setting:
            yield _worst(str(name), pd.concat(by_setting, axis=1), either_side=True)


def _trained(table: pd.DataFrame, nao: bool) -> list[str]:
    """The learners, or of these the transformers alone."""
    chosen = table["model"] == NAO if nao else table["model"].notna()
    return list(table.loc[chosen.fillna(False), "estimator"].unique())


def _ratios(table: pd.DataFrame, name: str, reference: str) -> pd.DataFrame:
    """ln of the ratio by replicate, a column a setting."""
    settings = table.groupby("setting", sort=False)
    return pd.concat(
        {
            str(setting): log_ratio(curve(rows, name), curve(rows, reference)).iloc[:, -1]
            for setting, rows in settings
        },
        axis=1,
    )


def _worst(name: str, ratios: pd.DataFrame, note: str = "", either_side: bool = False) -> Finding:
    """The setting whose mean is largest or, to either side, furthest from 1; others in the note."""
    means = ratios.mean()
    if means.isna().all():
        return finding(name, ratios, UNKNOWN, note)
    worst = int(np.nanargmax(means.abs() if either_side else means))
    said = ", ".join(f"{setting} {np.exp(mean):.3g}" for setting, mean in means.items())
    estimate = geometric(mean_interval(ratios.iloc[:, worst]))
    return finding(name, ratios, estimate, "; ".join(filter(None, [said, note])))


MIXTURES = ("mixture4", "mixture16")


RULES = (
    Rule(
        "C8a",
        "Under other priors NAO comes as near to the best linear estimator as under the Gaussian",
        f"NAO/ORE over that under the Gaussian prior is at most {NEAR_ORACLE:g} under every other "
        "(geometric mean over replicates)",
        "largest NAO/ORE over the Gaussian's",
        (ANY_LESS, NEAR_ORACLE),
        ("priors",),
        partial(away_from_gaussian, experiment="priors"),
    ),
    Rule(
        "C8b",
        "Under other noise NAO comes as near to the best linear estimator as under the Gaussian",
        f"NAO/ORE over that under Gaussian noise is at most {NEAR_ORACLE:g} under every other "
        "(geometric mean over replicates)",
        "largest NAO/ORE over the Gaussian's",
        (ANY_LESS, NEAR_ORACLE),
        ("noise_laws",),
        partial(away_from_gaussian, experiment="noise_laws"),
    ),
    Rule(
        "C8c",
        "NAO adapts to the noise level of each context",
        "where that spans a factor of 10 to either side, NAO is better than the best linear "
        "estimator, which knows its mean alone (geometric mean over replicates)",
        "NAO/ORE",
        (ANY_LESS, 1),
        ("noise_spread",),
        partial(
            against,
            experiment="noise_spread",
            settings=("ten",),
            reference=ORACLE,
            nao=True,
        ),
    ),
    Rule(
        "C8d",
        "Under mixtures of lines a learner passes the best linear estimator",
        "the ratio of RMSE is below 1 on both mixtures (geometric mean over replicates)",
        "larger RMSE/ORE",
        (ANY_LESS, 1),
        ("priors",),
        partial(against, experiment="priors", settings=MIXTURES, reference=ORACLE),
    ),
    Rule(
        "C8e",
        "Under mixtures of lines a learner comes to the exact posterior mean",
        f"the ratio of RMSE is at most {AT_FLOOR:g} on both mixtures (geometric mean over "
        "replicates)",
        "larger RMSE/posterior mean's",
        (ANY_LESS, AT_FLOOR),
        ("priors",),
        partial(against, experiment="priors", settings=MIXTURES, reference=EXACT),
    ),
    Rule(
        "C8f",
        "An estimator with a posterior knows how far its answers are off",
        f"predicted over true RMSE lies from {CALIBRATED[0]:g} to {CALIBRATED[1]:g} under every "
        "prior (geometric mean over replicates)",
        "predicted/true RMSE furthest from 1",
        CALIBRATED,
        ("priors",),
        partial(calibration, experiment="priors"),
    ),
    Rule(
        "C8g",
        "A mixture of ridges has as many experts as it can use",
        f"RMSE with half of the largest number of experts is at most {AT_FLOOR:g} times that with "
        "all of them on both mixtures (geometric mean over replicates)",
        "larger RMSE(K/2)/RMSE(K)",
        (ANY_LESS, AT_FLOOR),
        ("experts",),
        partial(last_doubling, experiment="experts"),
    ),
)

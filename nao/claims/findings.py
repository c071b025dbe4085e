"""Numbers in prose, each taken from the tables of a results tree.

    It comes to 1.73<!-- C2e paper --> times the oracle's error.

The comment is the number's address, which no reader of the shown text sees:

    C2e paper                  what a rule measured of an estimator, from the tree's claims
    noise 0.3 heldout          an estimator's RMSE over the oracle's, at a value of an experiment
    noise 0.3 heldout misfit   another of its scores there
    prior heldout              without a value where the experiment has but one
    priors sparse heldout      in a setting, where it has several
    large/noise 0.3 heldout    in the tree `large`, which lies beside this one

Scores are geometric means over replicates, as they are for the claims. A number keeps as many
significant digits as are written.
"""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

NUMBER = r"[−-]?\d+(?:\.\d+)?"
ADDRESSED = re.compile(rf"({NUMBER})<!-- ([^>]+?) -->")
CLAIM = re.compile(r"C\d+[a-z]?")


def filled(text: str, tree: Path) -> str:
    """The text with every addressed number as the tables in `tree` have it.

    Raises ValueError where an address leads to no finite number.
    """
    return ADDRESSED.sub(
        lambda found: f"{_written(number_at(found[2], tree), found[1])}<!-- {found[2]} -->", text
    )


def without_address(text: str) -> list[str]:
    """The decimal fractions that no address follows, but for settings, as in σ_ε = 0.1."""
    found = re.finditer(r"(= )?(?<![\w.])([−-]?\d+\.\d+)", ADDRESSED.sub("", text))
    return [each[2] for each in found if not each[1]]


def number_at(address: str, tree: Path) -> float:
    """The number that an address leads to. Raises ValueError where there is none."""
    beside, _, rest = address.rpartition("/")
    first, *more = rest.split()
    tree = tree.parent / beside if beside else tree
    try:
        number = (_claim if CLAIM.fullmatch(first) else _score)(first, more, tree)
    except (OSError, ValueError) as fault:
        raise ValueError(f"{address!r} leads to no number in {tree}: {fault}") from None
    if not math.isfinite(number):
        raise ValueError(f"{address!r} leads to no number in {tree}; name another")
    return number


def _claim(rule: str, more: list[str], tree: Path) -> float:
    (estimator,) = more
    claims = pd.concat(map(pd.read_parquet, sorted(tree.glob("claims*.parquet"))))
    rows = claims[(claims["id"] == rule) & (claims["estimator"] == estimator)]
    return float(rows["number"].iloc[0]) if len(rows) else math.nan


def _score(experiment: str, more: list[str], tree: Path) -> float:
    table = pd.read_parquet(tree / "experiments" / f"{experiment}.parquet")
    if table["setting"].nunique() > 1:
        setting, *more = more
        table = table[table["setting"] == setting]
    if table["value"].nunique() > 1:
        value, *more = more
        table = table[np.isclose(table["value"].astype(float), float(value))]
    estimator, *metrics = more
    if metrics:
        (metric,) = metrics
        return _mean(table, estimator, metric)
    return _mean(table, estimator, "rmse") / _mean(table, "oracle_ridge", "rmse")


def _mean(table: pd.DataFrame, estimator: str, metric: str) -> float:
    rows = table[(table["estimator"] == estimator) & (table["metric"] == metric)]
    return float(np.exp(np.log(rows["score"]).mean()))


def _written(number: float, before: str) -> str:
    digits = len(before.lstrip("−-").replace(".", "").lstrip("0"))
    places = max(digits - 1 - math.floor(math.log10(abs(number))), 0) if number else digits
    return f"{number:.{places}f}".replace("-", "−")

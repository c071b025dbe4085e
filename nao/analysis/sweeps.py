"""Curves of one sweep as matrices (replicate × value), their ratios, means and exponents.

Figures and claims both read their numbers here, so that a slope printed in a panel is the slope
that the verdict judged. All intervals have a coverage of 95 %.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nao.analysis.scaling import loglog_slope

COVERAGE = 0.95
ALONE = -1  # the row of an estimator that sees no training contexts, hence has no replicates


@dataclass(frozen=True)
class Interval:
    """A number with its interval and where that is from; NaN what could not be estimated."""

    number: float
    low: float
    high: float
    origin: str = ""


UNKNOWN = Interval(np.nan, np.nan, np.nan)


def longest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows at the largest value of a sweep; all where there is no axis."""
    values = table["value"]
    return table[(values == values.max()).fillna(True)]


def log_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """ln(score) of one estimator and metric: a row a replicate, a column a value; NaN where failed.

    A sweep without an axis has the one column 0.
    """
    keyed = pd.DataFrame(
        {
            "replicate": rows["replicate"].fillna(ALONE).astype(int),
            "value": rows["value"].fillna(0).astype(float),
            "score": rows["score"].astype(float),
        }
    )
    matrix = keyed.pivot(index="replicate", columns="value", values="score").sort_index(axis=1)
    return matrix.where((matrix > 0) & np.isfinite(matrix)).transform(np.log)


def log_ratio(numerator: pd.DataFrame, denominator: pd.DataFrame) -> pd.DataFrame:
    """ln(numerator / denominator) by replicate; a curve without replicates is held against all."""
    if list(denominator.index) == [ALONE]:
        return numerator - denominator.loc[ALONE]
    if list(numerator.index) == [ALONE]:
        return numerator.loc[ALONE] - denominator
    return numerator - denominator


def mean_interval(numbers: pd.Series) -> Interval:
    """Mean and Student's t interval of the finite numbers; of a single one the number alone."""
    from scipy import stats  # here, for it is slow to load

    finite = numbers.dropna().to_numpy(float)
    if len(finite) == 0:
        return UNKNOWN
    mean = float(finite.mean())
    if len(finite) == 1:
        return Interval(mean, np.nan, np.nan)
    error = float(finite.std(ddof=1)) / np.sqrt(len(finite))
    reach = float(stats.t.ppf((1 + COVERAGE) / 2, len(finite) - 1)) * error
    return Interval(mean, mean - reach, mean + reach, "t over replicates")


def exponent(logs: pd.DataFrame) -> Interval:
    """The exponent a of score ≈ c·valueᵃ: the least-squares slope in log-log coordinates.

    Over two or more replicates its interval is Student's t interval of the slopes that each has by
    itself: it tells how well the slope over these values is known, and a bend that all replicates
    share does not widen it. Where one curve alone exists it is the regression's. Values that no
    replicate finished are left out, and then replicates that lack a value, so that all slopes are
    over the same values.
    """
    finished = logs.dropna(axis=1, how="all").dropna(axis=0, how="any")
    if finished.shape[0] == 0 or finished.shape[1] < 2:
        return UNKNOWN
    values = finished.columns.to_numpy(float)
    if len(finished) == 1:
        fit = loglog_slope(values, np.exp(finished.to_numpy().T), COVERAGE)
        return Interval(fit.slope, fit.low, fit.high, "regression")
    slopes = np.polynomial.polynomial.polyfit(np.log(values), finished.to_numpy().T, 1)[1]
    return mean_interval(pd.Series(slopes, finished.index))

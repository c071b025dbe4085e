"""How an error grows with what is varied: the slope on log-log axes, with its interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Scaling:
    """score ≈ exp(intercept) · value^slope; NaN where the points do not determine a number."""

    slope: float
    low: float
    high: float
    intercept: float
    points: int
    missing: int


def loglog_slope(
    values: Float[np.ndarray, " points"],
    scores: Float[np.ndarray, "points replicates"],
    confidence: float = 0.95,
) -> Scaling:
    """Ordinary least squares of log score, averaged over replicates, on log value.

    The interval is Student's t with (values − 2) degrees of freedom, from the scatter of the
    replicate means about the line. It thus holds what replicates leave of their spread *and* any
    curvature of the law, and is defined for an estimator without replicates, too. Replicates at
    one value share the problem and the test contexts, so they do not count as separate points.

    A score that is NaN, infinite or not positive is left out and counted in `missing`; `points` is
    the number of values with at least one score left. Fewer than two values give no slope, fewer
    than three no interval.
    """
    import statsmodels.api as sm  # here, for it is slow to load

    values = np.asarray(values, dtype=np.float64)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or len(scores) != len(values) or np.any(~(values > 0)):
        raise ValueError(
            f"values of shape {values.shape} and scores of shape {scores.shape}: "
            "give one positive value per row of scores (values × replicates)"
        )
    done = np.isfinite(scores) & (scores > 0)
    used = done.any(axis=1)
    logs = np.log(np.where(done, scores, 1.0)).sum(axis=1)[used] / done.sum(axis=1)[used]
    log_values = np.log(values[used])
    missing = int((~done).sum())

    if len(np.unique(log_values)) < 2:
        return Scaling(np.nan, np.nan, np.nan, np.nan, int(used.sum()), missing)
    fit = sm.OLS(logs, sm.add_constant(log_values)).fit()
    intercept, slope = fit.params
    low, high = (np.nan, np.nan) if fit.df_resid < 1 else fit.conf_int(1 - confidence)[1]
    return Scaling(
        float(slope), float(low), float(high), float(intercept), int(used.sum()), missing
    )

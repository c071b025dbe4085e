"""Recovered priors as a table: what the estimates of every replicate say of w_0 and Σ_w."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from nao.analysis.evaluation import Estimates
from nao.analysis.prior import RecoveredPrior, corrected_prior, raw_prior, true_prior
from nao.tasks.problems import Problem


def tabulate_recovered(
    estimates: Estimates, x: Float[np.ndarray, "contexts n d"], problem: Problem
) -> pd.DataFrame:
    """One row of kind `true` (replicate null), then `raw` and `corrected` per replicate.

    Columns: `replicate`, `kind`, `mean` (d), `covariance` (d·d, row-major), `eigenvalues` (d,
    falling), `rank`. A replicate whose training failed has NaN for every number and a null rank.
    """
    rows = [_row(None, "true", true_prior(problem))]
    for replicate, w_hat in zip(estimates.replicates, estimates.w_hat, strict=True):
        if np.isfinite(w_hat).all():
            rows.append(_row(replicate, "raw", raw_prior(w_hat)))
            corrected = corrected_prior(w_hat, x, problem.noise_std)
            rows.append(_row(replicate, "corrected", corrected))
        else:
            rows += [_row(replicate, kind, _unknown(problem)) for kind in ("raw", "corrected")]
    frame = pd.DataFrame(rows)
    return frame.astype({"replicate": "Int32", "kind": "string", "rank": "Int32"})


def _row(replicate: int | None, kind: str, prior: RecoveredPrior) -> dict[str, object]:
    return {
        "replicate": replicate,
        "kind": kind,
        "mean": prior.mean,
        "covariance": prior.covariance.ravel(),
        "eigenvalues": prior.eigenvalues,
        "rank": prior.rank or None,
    }


def _unknown(problem: Problem) -> RecoveredPrior:
    d = problem.dimension
    vector, matrix = np.full(d, np.nan), np.full((d, d), np.nan)
    return RecoveredPrior(vector, matrix, vector, matrix, 0)

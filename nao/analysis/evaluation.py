"""Estimates of w on test contexts and the scores they earn, as tables on disk.

Estimates: a row a replicate and test context, with columns `replicate` (int32, null where an
estimator uses no training contexts), `context` (the row of the test file) and `w_hat` (d float32).
Scores: a row a replicate and metric, as in `SCORES`; NaN where the training of a replicate failed,
or where an estimator has no answer, whose reason then stands in `reason`.
An estimator is known by its name: a trained one by its learner's, beside which stand the kind of
its model, its objective and its number of layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float

from nao.analysis.leaks import CHANCE
from nao.analysis.metrics import (
    median_error,
    misfit,
    prediction_rmse,
    relative_rmse,
    rmse,
    weighted_rmse,
)
from nao.files import atomic_path
from nao.specs import RunSpec
from nao.tasks.problems import Contexts, Problem
from nao.theory.depth import polynomial_risk
from nao.theory.oracle_law import oracle_law
from nao.theory.posterior import bayes_risk, risk_bound, risk_floor

DEEPEST = 16
"""Layers up to which the best polynomial is computed: no model of the study has more."""

#: columns of a scores table
SCORES = {
    "estimator": "string",
    "model": "string",
    "objective": "string",
    "layers": "Int64",
    "replicate": "Int64",
    "metric": "string",
    "score": "float64",
    "reason": "string",
}


@dataclass(frozen=True, eq=False)
class Estimates:
    """ŵ of the same test contexts, once a replicate; one entry, None, where there are none.

    `variance` is E[‖ŵ − w‖² | X, Y] as the estimator itself has it, if it has a posterior.
    """

    w_hat: Float[np.ndarray, "replicates contexts d"]
    replicates: tuple[int | None, ...]
    variance: Float[np.ndarray, "replicates contexts"] | None = None


def score_estimates(
    estimates: Estimates,
    test: Contexts,
    estimator: str,
    model: str | None = None,
    objective: str | None = None,
    layers: int | None = None,
    prefix: str = "",
    design_covariance: Float[np.ndarray, "d d"] | None = None,
) -> pd.DataFrame:
    """RMSE, relative RMSE, median error and misfit of every replicate; `test` must hold w.

    Where Σ_x is given and not the identity, so that norms differ, also `rmse_rho`, in L²(ρ), and
    `prediction_rmse`, of a new row; where the estimates have a variance, the root of its mean is
    `posterior_rmse`. `prefix` goes before the names of the metrics.
    """
    if test.w is None:
        raise ValueError("the test contexts were read without w; read their column w to score them")
    sigma = design_covariance
    rows = []
    for replicate, w_hat in zip(estimates.replicates, estimates.w_hat, strict=True):
        rows += [
            (replicate, f"{prefix}rmse", rmse(w_hat, test.w)),
            (replicate, f"{prefix}relative_rmse", relative_rmse(w_hat, test.w)),
            (replicate, f"{prefix}median_error", median_error(w_hat, test.w)),
            (replicate, f"{prefix}misfit", misfit(w_hat, test.x, test.y)),
        ]
        if sigma is not None and not np.array_equal(sigma, np.eye(len(sigma))):
            rows += [
                (replicate, f"{prefix}rmse_rho", weighted_rmse(w_hat, test.w, sigma)),
                (replicate, f"{prefix}prediction_rmse", prediction_rmse(w_hat, test.w, sigma)),
            ]
    if estimates.variance is not None:
        predicted = np.sqrt(estimates.variance.mean(axis=1))
        rows += [
            (replicate, f"{prefix}posterior_rmse", float(each))
            for replicate, each in zip(estimates.replicates, predicted, strict=True)
        ]
    return _scores(rows, estimator, model, objective, layers)


def score_run(
    estimates: Estimates,
    test: Contexts,
    run: RunSpec,
    prefix: str = "",
    design_covariance: Float[np.ndarray, "d d"] | None = None,
) -> pd.DataFrame:
    """The scores of a trained estimator, under the names by which tables know it."""
    layers = getattr(run.model, "layers", None)  # a mixture has none
    labels = run.learner, run.model.kind, run.training.objective, layers
    return score_estimates(estimates, test, *labels, prefix, design_covariance)


def score_theory(problem: Problem, test: Contexts, estimator: str) -> pd.DataFrame:
    """What theory says of the oracle: its RMSE on these designs and over all, and bounds of it.

    `expected_rmse` = sqrt(mean tr Σ_post(X)); `rmse_bound` = sqrt(mean σ_ε² r_w / (n b(X))), which
    is infinite as soon as one design leaves a direction of the task space unseen; `oracle_law`, the
    closed form in n, r_w and σ_ε; `rmse_floor`, below which no estimator is without having seen w
    but with probability `leaks.CHANCE`, for Gaussian laws alone; `polynomial_rmse`, the least of as
    many gradient steps in the prior's span as `layers` says, up to `DEEPEST`.
    """
    risks = {
        "expected_rmse": np.mean(bayes_risk(problem, test.x)),
        "rmse_bound": np.mean(risk_bound(problem, test.x)),
        "oracle_law": oracle_law(problem, test.x.shape[1]),
    }
    if problem.gaussian:
        risks["rmse_floor"] = risk_floor(problem, test.x, CHANCE)
    steps = range(1, DEEPEST + 1)
    named = [
        *((metric, None, risk) for metric, risk in risks.items()),
        *(("polynomial_rmse", L, polynomial_risk(problem, test.x, L)) for L in steps),
    ]
    rows = [(None, metric, float(np.sqrt(risk))) for metric, _, risk in named]
    return _scores(rows, estimator, None, None, [layers for _, layers, _ in named])


def _scores(
    rows: Sequence[tuple[int | None, str, float]],
    estimator: str,
    model: str | None,
    objective: str | None,
    layers: int | list[int | None] | None,
) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["replicate", "metric", "score"])
    frame = frame.assign(estimator=estimator, model=model, objective=objective)
    frame = frame.assign(layers=pd.Series(layers, frame.index, "Int64"), reason=None)
    return frame[list(SCORES)].astype(SCORES)


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, atomically; equal tables give equal bytes."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def write_estimates(path: str | Path, estimates: Estimates) -> None:
    """Write estimates as Parquet, rounded to float32."""
    replicates, contexts, d = estimates.w_hat.shape
    w_hat = pa.array(np.ravel(estimates.w_hat).astype(np.float32))
    numbers = [replicate for replicate in estimates.replicates for _ in range(contexts)]
    table = pa.table(
        {
            "replicate": pa.array(numbers, pa.int32()),
            "context": pa.array(np.tile(np.arange(contexts, dtype=np.int32), replicates)),
            "w_hat": pa.FixedSizeListArray.from_arrays(w_hat, d),
        }
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="none", use_dictionary=False)


def read_estimates(path: str | Path) -> Estimates:
    """Estimates as written by `write_estimates`."""
    table = pq.read_table(path)
    replicates = tuple(dict.fromkeys(table.column("replicate").to_pylist()))
    w_hat = table.column("w_hat").combine_chunks().flatten().to_numpy()
    return Estimates(
        w_hat.reshape(len(replicates), table.num_rows // len(replicates), -1), replicates
    )

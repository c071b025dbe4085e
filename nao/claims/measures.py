"""What the rules measure: one function a quantity, from tables to a finding per estimator.

NAO is every learner whose model is the transformer, in the order of the tables.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nao.analysis.sweeps import UNKNOWN, Interval, exponent, log_ratio, log_scores, mean_interval
from nao.analysis.tables import in_scaling_regime
from nao.claims.verdicts import Finding, Tables

ORACLE, TWO_STAGE, RIDGE = "oracle_ridge", "two_stage_ridge", "ridge"
NAO = "transformer"


# Recovered moments (C1)


def mean_error(tables: Tables, tolerance: float, sampling_errors: float) -> Iterator[Finding]:
    """‖ŵ_0 − w_0‖ / ‖w_0‖; the mean of B draws is off by sqrt(tr Σ_w / B) on its own."""
    for true, name, rows in _recovered(tables, "corrected"):
        size = np.linalg.norm(true["mean"])
        errors = [float(np.linalg.norm(mean - true["mean"]) / size) for mean in rows["mean"]]
        sampling = np.sqrt(np.sum(true["eigenvalues"]) / true["test_contexts"]) / size
        yield _moments(name, errors, np.hypot(tolerance, sampling_errors * sampling))


def covariance_error(tables: Tables, tolerance: float, sampling_errors: float) -> Iterator[Finding]:
    """‖Σ̂ − Σ_w‖_F / ‖Σ_w‖_F, Σ̂ corrected.

    The covariance of B Gaussian draws is off by sqrt((tr² Σ_w + tr Σ_w²) / B) on its own.
    """
    for true, name, rows in _recovered(tables, "corrected"):
        size = np.linalg.norm(true["eigenvalues"])
        away = (matrix - true["covariance"] for matrix in rows["covariance"])
        errors = [float(np.linalg.norm(difference) / size) for difference in away]
        trace = np.sum(true["eigenvalues"])
        sampling = np.sqrt((trace**2 + size**2) / true["test_contexts"]) / size
        yield _moments(name, errors, np.hypot(tolerance, sampling_errors * sampling))


def recovered_rank(tables: Tables) -> Iterator[Finding]:
    """The number of raw eigenvalues before the largest spectral gap; r_w is the accepted value."""
    for true, name, rows in _recovered(tables, "raw"):
        rank, ranks = float(true["rank"]), rows["rank"].astype("float64")
        done = int(ranks.notna().sum())
        yield Finding(name, over_replicates(ranks), done, len(ranks), accepted=(rank, rank))


def spectral_drop(tables: Tables) -> Iterator[Finding]:
    """λ_{r_w + 1} / λ_{r_w} of the raw covariance."""
    for true, name, rows in _recovered(tables, "raw"):
        rank = int(true["rank"])
        if rank >= len(true["eigenvalues"]):
            continue
        # Outputs confined to a subspace leave rounding errors there, of either sign.
        floor = np.finfo(float).eps * true["eigenvalues"][0]
        drops = [np.maximum(each[rank], floor) / each[rank - 1] for each in rows["eigenvalues"]]
        yield _moments(name, drops)


def _recovered(tables: Tables, kind: str) -> Iterator[tuple[pd.Series, str, pd.DataFrame]]:
    """The truth, and name and rows of every trained estimator."""
    table = tables["prior_moments"]
    for name, rows in table.groupby("estimator", sort=False):
        true = rows[rows["kind"] == "true"].iloc[0]
        yield true, str(name), rows[rows["kind"] == kind]


def _moments(name: str, errors: list[float], largest: float | None = None) -> Finding:
    """The geometric mean of positive numbers, one a replicate, NaN where it failed."""
    series = pd.Series(errors, dtype=float)
    accepted = None if largest is None else (-np.inf, float(largest))
    done = int(series.notna().sum())
    estimate = geometric(mean_interval(series.transform(np.log)))
    return Finding(name, estimate, done, len(series), accepted=accepted)


# Order and distance from the oracle (C2)


def order_margin(tables: Tables) -> Iterator[Finding]:
    """min(NAO/ORE, TRE/NAO, RE/TRE) of each replicate: above 1 where ORE < NAO < TRE < RE."""
    table = tables["prior"]
    oracle, two_stage, ridge = (curve(table, name) for name in (ORACLE, TWO_STAGE, RIDGE))
    for name, learned in learners(table):
        steps = {
            "ORE < NAO": log_ratio(learned, oracle),
            "NAO < TRE": log_ratio(two_stage, learned),
            "TRE < RE": log_ratio(ridge, two_stage),
        }
        smallest = pd.concat(steps.values(), axis=1).min(axis=1, skipna=False)
        counts = [f"{pair} in {int((step.to_numpy() > 0).sum())}" for pair, step in steps.items()]
        yield finding(name, learned, geometric(over_replicates(smallest)), ", ".join(counts))


def distance_from_oracle(tables: Tables) -> Iterator[Finding]:
    """NAO/ORE at the base point."""
    table = tables["prior"]
    for name, learned in learners(table):
        ratio = log_ratio(learned, curve(table, ORACLE))
        yield finding(name, learned, geometric(mean_interval(pd.Series(ratio.to_numpy().ravel()))))


def ratio_exponent(tables: Tables) -> Iterator[Finding]:
    """The exponent with which NAO/ORE follows n_s."""
    table = tables["contexts"]
    for name, learned in learners(table):
        ratio = log_ratio(learned, curve(table, ORACLE))
        ends = (np.exp(ratio[n_s].mean()) for n_s in ratio.columns[[0, -1]])
        note = "NAO/ORE from {:.3g} to {:.3g}".format(*ends)
        yield finding(name, learned, exponent(ratio), note)


def few_contexts(tables: Tables) -> Iterator[Finding]:
    """NAO/TRE at the smallest n_s."""
    table = tables["contexts"]
    for name, learned in learners(table):
        ratio = log_ratio(learned, curve(table, TWO_STAGE))
        ahead = [n_s for n_s in ratio if (ratio[n_s] < 0).all()]
        note = f"n_s = {ratio.columns[0]:g}; NAO ahead of TRE in every replicate at n_s = " + (
            ", ".join(f"{n_s:g}" for n_s in ahead) or "none"
        )
        yield finding(name, learned.iloc[:, :1], geometric(mean_interval(ratio.iloc[:, 0])), note)


def many_contexts(tables: Tables) -> Iterator[Finding]:
    """NAO / sqrt(ORE · TRE) at the largest n_s: 1 is halfway between the two in log scale."""
    table = tables["contexts"]
    for name, learned in learners(table):
        to_oracle = log_ratio(learned, curve(table, ORACLE))
        to_two_stage = log_ratio(learned, curve(table, TWO_STAGE))
        halfway = ((to_oracle + to_two_stage) / 2).iloc[:, -1]
        note = f"n_s = {learned.columns[-1]:g}; NAO/ORE {np.exp(to_oracle.iloc[:, -1].mean()):.3g}"
        yield finding(name, learned.iloc[:, -1:], geometric(mean_interval(halfway)), note)


# Exponents (C3 to C6)


def sweep_exponent(tables: Tables, experiment: str) -> Iterator[Finding]:
    """The exponent of ORE and of every trained estimator along a sweep."""
    table = _in_regime(tables[experiment])
    law = exponent(curve(table, ORACLE, "oracle_law")).number
    own = "" if np.isnan(law) else f"; the oracle's own law has {law:.2f} there"
    for name, scores in ((ORACLE, curve(table, ORACLE)), *learners(table)):
        yield finding(name, scores, exponent(scores), _over(scores) + own)


def exponent_against(
    tables: Tables, experiment: str, metric: str, with_oracle: bool = False
) -> Iterator[Finding]:
    """The exponent less that of the oracle's `metric`: the exponent of their ratio."""
    table = _in_regime(tables[experiment])
    reference = curve(table, ORACLE, metric)
    oracle = ((ORACLE, curve(table, ORACLE)),) if with_oracle else ()
    for name, scores in (*oracle, *learners(table)):
        note = f"{_over(scores)}; reference {exponent(reference).number:.2f}"
        yield finding(name, scores, exponent(log_ratio(scores, reference)), note)


def blow_up(tables: Tables) -> Iterator[Finding]:
    """RMSE at the smallest r_w ≥ n over the √r_w law drawn from the largest r_w < n/2."""
    table = tables["task_dimension"]
    below = table.loc[in_scaling_regime(table), "value"].max()
    above = table.loc[table["task_dimension"] >= table["context_length"], "value"].min()
    classical = ((name, curve(table, name)) for name in (RIDGE, TWO_STAGE, ORACLE))
    for name, scores in (*classical, *learners(table)):
        if scores.empty:
            continue
        if pd.isna(below) or pd.isna(above):
            yield finding(name, scores, UNKNOWN, "no r_w below n/2 or none from n on")
            continue
        law = 0.5 * np.log(above / below)
        excess = mean_interval(scores[above] - scores[below] - law)
        note = f"r_w = {above:g} against {below:g}"
        yield finding(name, scores[[below, above]], geometric(excess), note)


# Misfit and error along training (C10)


def final_misfit(tables: Tables, objective: str) -> Iterator[Finding]:
    """Misfit of NAO trained by that objective over ORE's, after the longest training."""
    table = tables["training_length"]
    of_objective = table[(table["objective"] == objective) | table["objective"].isna()]
    for name, misfits in learners(of_objective, "misfit"):
        ratio = log_ratio(misfits, curve(table, ORACLE, "misfit")).iloc[:, -1]
        errors = log_ratio(curve(table, name), curve(table, ORACLE)).iloc[:, -1]
        note = f"at {misfits.columns[-1]:g} steps; RMSE {np.exp(errors.mean()):.3g} × ORE's"
        yield finding(name, misfits.iloc[:, -1:], geometric(mean_interval(ratio)), note)


def mended_error(tables: Tables) -> Iterator[Finding]:
    """RMSE of the learner `heldout` over that of `misfit`, which differs in the objective alone."""
    table = tables["training_length"]
    heldout, misfit = curve(table, "heldout"), curve(table, "misfit")
    if not (heldout.empty or misfit.empty):
        ratio = log_ratio(heldout, misfit)
        last = geometric(mean_interval(ratio.iloc[:, -1]))
        yield finding("heldout", heldout.iloc[:, -1:], last, f"at {ratio.columns[-1]:g} steps")


# Curves of a table


def curve(table: pd.DataFrame, estimator: str, metric: str = "rmse") -> pd.DataFrame:
    """`log_scores` of one estimator; empty where the table has none of it."""
    return log_scores(table[(table["estimator"] == estimator) & (table["metric"] == metric)])


def learners(table: pd.DataFrame, metric: str = "rmse") -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and curve of every NAO."""
    for name in table.loc[table["model"] == NAO, "estimator"].unique():
        yield name, curve(table, name, metric)


def _in_regime(table: pd.DataFrame) -> pd.DataFrame:
    return table[in_scaling_regime(table)]


def _over(scores: pd.DataFrame) -> str:
    finished = scores.dropna(axis=1, how="all")
    return "over " + ", ".join(f"{value:g}" for value in finished.columns)


def finding(subject: str, scores: pd.DataFrame, estimate: Interval, note: str = "") -> Finding:
    """With how many of the scores that the rule needs there are."""
    return Finding(subject, estimate, int(scores.notna().to_numpy().sum()), scores.size, note)


def over_replicates(numbers: pd.Series) -> Interval:
    """Median, smallest and largest: for rules that every replicate must meet."""
    return Interval(numbers.median(), numbers.min(), numbers.max(), "range over replicates")


def geometric(estimate: Interval) -> Interval:
    """From a mean of logarithms to a geometric mean."""
    number, low, high = np.exp([estimate.number, estimate.low, estimate.high])
    return Interval(float(number), float(low), float(high), estimate.origin)

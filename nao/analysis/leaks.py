"""No estimator that does not see w is better than the posterior mean: one that is has seen it."""

import pandas as pd

#: with which an estimator without a leak may be taken for one with, a score
CHANCE = 1e-6


class LeakError(ValueError):
    """Scores that no estimator can have which does not see w; the message names whose they are."""


def refuse_leaks(table: pd.DataFrame, metrics: tuple[str, ...] = ("rmse",)) -> None:
    """Hold the RMSEs of an experiment table against the oracle's `rmse_floor` at their point.

    The floor (`theory.posterior.risk_floor`) allows for the sampling error of the test contexts.
    Where the laws are not Gaussian there is none, and nothing is held. Raises `LeakError`.
    """
    keys = ["value", "setting", "score"]
    scores = table.loc[table["metric"].isin(metrics), ["estimator", "replicate", "source", *keys]]
    floors = table.loc[table["metric"] == "rmse_floor", keys]
    held = scores.merge(floors, on=["value", "setting"], suffixes=("", "_floor"))
    below = held[held["score"] < held["score_floor"]]
    if below.empty:
        return
    first = below.iloc[0]
    replicate = "" if pd.isna(first["replicate"]) else f", replicate {first['replicate']},"
    raise LeakError(
        f"{first['estimator']} in {first['source']}{replicate} has an RMSE of {first['score']:.4g} "
        f"on the test contexts, below {first['score_floor']:.4g}, which no estimator that does not "
        f"see w is but with probability {CHANCE:g}: their w has leaked into it "
        f"({len(below)} such scores); find where it is read"
    )

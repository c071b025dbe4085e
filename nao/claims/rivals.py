"""What is measured of learners against their rivals, at every point of an experiment (C12, C13)."""

from collections.abc import Iterator

import pandas as pd

from nao.analysis.sweeps import UNKNOWN, log_ratio
from nao.claims.measures import NAO, curve, finding, geometric, over_replicates
from nao.claims.verdicts import Finding, Tables


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
            ).squeeze(axis=1)
            for (setting, value), rows in chosen.groupby(["setting", "value"], sort=False)
            for metric in metrics
            for rival in rivals
            if (other := curve(rows, rival, metric)).notna().to_numpy().any()
        }
        if not ratios:
            yield finding(name, pd.DataFrame(), UNKNOWN, "no rival has an answer")
            continue
        every = pd.concat(ratios, axis=1)  # pyright: ignore[reportArgumentType, reportCallIssue]
        worst = every.max(axis=1, skipna=False)
        where = "" if every.isna().all(axis=None) else f"{every.mean().idxmax()}"
        yield finding(str(name), every, geometric(over_replicates(worst)), where)

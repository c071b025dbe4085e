"""What is measured of estimators on tasks of another law than those they were fitted to (C14)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nao.analysis.sweeps import UNKNOWN, log_ratio, mean_interval
from nao.analysis.tables import fitted_at
from nao.claims.measures import curve, finding, geometric, learners
from nao.claims.verdicts import Finding, Tables


def worst(tables: Tables, experiments: tuple[str, ...], reference: str) -> Iterator[Finding]:
    """RMSE over the reference's at the point of these sweeps where that is largest.

    The point that estimators were fitted at is none of them; the note says what the ratio is there.
    """
    names = {name: None for each in experiments for name, _ in learners(tables[each])}
    for name in names:
        ratios = pd.concat(
            {each: _ratio(tables[each], name, reference) for each in experiments}, axis=1
        )
        home = [(each, fitted_at(tables[each])) for each in experiments]
        shifted = ratios.drop(columns=[point for point in home if point in ratios])
        means = shifted.mean()
        if means.isna().all():
            yield finding(name, shifted, UNKNOWN, "no other law was tested")
            continue
        largest = int(np.nanargmax(means))
        experiment, value = means.index.to_list()[largest]
        inside = np.exp(ratios[home[0]].mean()) if home[0] in ratios else np.nan
        note = f"at {experiment} = {value:g}; where it was fitted {inside:.3g}"
        yield finding(name, shifted, geometric(mean_interval(shifted.iloc[:, largest])), note)


def _ratio(table: pd.DataFrame, name: str, reference: str) -> pd.DataFrame:
    return log_ratio(curve(table, name), curve(table, reference))

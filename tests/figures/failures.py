"""Tables in which some trainings failed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def with_failures(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Replicate 1 of `misfit`, and every replicate of `heldout` at the first value, failed."""
    return {name: _failed(table.copy()) for name, table in tables.items()}


def _failed(table: pd.DataFrame) -> pd.DataFrame:
    failed = (table["estimator"] == "misfit") & (table["replicate"] == 1)
    if "score" in table:
        first = table["value"] == table["value"].min()
        failed |= (table["estimator"] == "heldout") & first
        return table.assign(score=table["score"].mask(failed.fillna(False)))
    lost = failed.fillna(False).to_numpy(bool)
    for column in {"mean", "covariance", "eigenvalues", "values"} & set(table):
        table[column] = [
            np.full_like(value, np.nan) if gone else value
            for value, gone in zip(table[column], lost, strict=True)
        ]
    return table.assign(rank=table["rank"].mask(lost)) if "rank" in table else table

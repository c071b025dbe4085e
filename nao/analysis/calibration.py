"""Does an estimator know how far its answers are off? The error it expects over that it has."""

import pandas as pd

CALIBRATED = (0.9, 1.1)
"""Of predicted over true RMSE: within 10 %."""
KEYS = ["setting", "value", "estimator", "replicate"]


def posterior_over_true(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `posterior_rmse`, their score divided by the RMSE that came of it.

    Of every estimator that has a posterior; rows keep their number.
    """
    predicted = table[table["metric"] == "posterior_rmse"]
    true = table.loc[table["metric"] == "rmse", [*KEYS, "score"]]
    both = predicted[KEYS].merge(true, on=KEYS, how="left", validate="one_to_one")
    return predicted.assign(score=predicted["score"].to_numpy() / both["score"].to_numpy())

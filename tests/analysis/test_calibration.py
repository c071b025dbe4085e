import numpy as np
import pandas as pd
import pytest

from nao.analysis.calibration import posterior_over_true

COLUMNS = ["setting", "value", "estimator", "replicate", "metric", "score"]


def test_each_prediction_is_held_against_the_error_of_its_own_replicate_and_setting():
    table = pd.DataFrame(
        [
            ("a", 1.0, "em", 0, "rmse", 2.0),
            ("a", 1.0, "em", 0, "posterior_rmse", 3.0),
            ("a", 1.0, "em", 1, "posterior_rmse", 5.0),
            ("a", 1.0, "em", 1, "rmse", 4.0),
            ("b", 1.0, "em", 0, "rmse", 10.0),
            ("b", 1.0, "em", 0, "posterior_rmse", 1.0),
            ("a", 1.0, "oracle", None, "rmse", 8.0),
            ("a", 1.0, "oracle", None, "posterior_rmse", 4.0),
            ("a", 1.0, "ridge", None, "rmse", 7.0),
        ],
        columns=COLUMNS,
    ).astype({"replicate": "Int64", "value": "Float64"})
    ratios = posterior_over_true(table)
    assert list(ratios.index) == [1, 2, 5, 7]  # those of the table
    np.testing.assert_allclose(ratios["score"], [1.5, 1.25, 0.1, 0.5])


def test_an_estimator_scored_twice_is_refused():
    twice = pd.DataFrame([("a", 1.0, "em", 0, "posterior_rmse", 1.0)] * 2, columns=COLUMNS)
    with pytest.raises(pd.errors.MergeError):
        posterior_over_true(twice)

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nao.analysis.sweeps import ALONE, exponent, log_ratio, log_scores, mean_interval

VALUES = np.array([0.03, 0.1, 0.3, 1.0])


def rows(scores: np.ndarray, values: np.ndarray = VALUES) -> pd.DataFrame:
    """Rows of an experiment table; scores are replicates × values, or of one curve alone."""
    alone = scores.ndim == 1
    matrix = np.atleast_2d(scores)
    return pd.DataFrame(
        [
            {"replicate": pd.NA if alone else k, "value": value, "score": score}
            for k, curve in enumerate(matrix)
            for value, score in zip(values, curve, strict=True)
        ]
    ).astype({"replicate": "Int64", "value": "Float64"})


def line(curve: np.ndarray) -> Any:
    return stats.linregress(np.log(VALUES), np.log(curve))


@settings(max_examples=30)
@given(
    st.floats(-3, 3),
    st.floats(1e-3, 1e3),
    st.lists(st.floats(0.01, 100), min_size=3, max_size=7, unique_by=lambda v: round(v, 2)),
)
def test_the_exponent_of_a_power_law_is_exact(power, factor, values):
    swept = np.sort(np.array(values))
    curve = factor * swept**power
    for scores in (curve, np.stack([curve, 2 * curve, 5 * curve])):
        fit = exponent(log_scores(rows(scores, swept)))
        assert fit.number == pytest.approx(power, abs=1e-6)
        assert fit.low == pytest.approx(power, abs=1e-5)
        assert fit.high == pytest.approx(power, abs=1e-5)


def test_the_interval_over_replicates_is_students():
    rng = np.random.default_rng(1)
    scores = 0.5 * VALUES**0.8 * np.exp(0.1 * rng.standard_normal((5, 4)))
    fit = exponent(log_scores(rows(scores)))
    slopes = [line(curve).slope for curve in scores]
    reference = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert fit.number == pytest.approx(np.mean(slopes))
    assert (fit.low, fit.high) == pytest.approx(tuple(reference))


def test_the_interval_of_a_curve_alone_is_the_regressions():
    curve = np.array([0.02, 0.05, 0.2, 0.5])
    fit = exponent(log_scores(rows(curve)))
    reference = line(curve)
    reach = stats.t.ppf(0.975, 2) * reference.stderr
    assert fit.origin == "regression"
    assert (fit.low, fit.high) == pytest.approx((reference.slope - reach, reference.slope + reach))


def test_the_interval_covers_the_slope_of_a_bent_curve_as_often_as_it_says():
    rng, trials = np.random.default_rng(2), 600
    bent = np.hypot(0.05, VALUES)
    slope = np.polyfit(np.log(VALUES), np.log(bent), 1)[0]
    fits = [
        exponent(log_scores(rows(bent * np.exp(0.1 * rng.standard_normal((3, 4))))))
        for _ in range(trials)
    ]
    covered = np.mean([fit.low <= slope <= fit.high for fit in fits])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_a_replicate_that_lacks_a_value_leaves_the_fit():
    rng = np.random.default_rng(3)
    scores = VALUES * np.exp(0.1 * rng.standard_normal((4, 4)))
    with_failure = scores.copy()
    with_failure[2, 1] = np.nan
    rest = np.delete(scores, 2, axis=0)
    assert exponent(log_scores(rows(with_failure))) == exponent(log_scores(rows(rest)))


def test_a_value_that_no_replicate_finished_leaves_the_fit():
    rng = np.random.default_rng(4)
    scores = VALUES * np.exp(0.1 * rng.standard_normal((3, 4)))
    with_failure = scores.copy()
    with_failure[:, 3] = np.nan
    shorter = rows(scores[:, :3], VALUES[:3])
    assert exponent(log_scores(rows(with_failure))) == exponent(log_scores(shorter))


@pytest.mark.parametrize("scores", [np.full((2, 4), np.nan), np.array([[1.0], [2.0]])])
def test_too_few_points_have_no_exponent(scores):
    fit = exponent(log_scores(rows(scores, VALUES[: scores.shape[1]])))
    assert np.isnan([fit.number, fit.low, fit.high]).all()


def test_infinite_and_vanishing_scores_count_as_absent():
    logs = log_scores(rows(np.array([1.0, np.inf, 0.0, np.nan])))
    np.testing.assert_array_equal(np.isnan(logs.to_numpy()), [[False, True, True, True]])
    assert list(logs.index) == [ALONE]


def test_ratios_pair_replicates_and_share_what_has_none():
    learned = log_scores(rows(np.array([[2.0, 4.0, 8.0, 16.0], [4.0, 8.0, 16.0, 32.0]])))
    oracle = log_scores(rows(np.array([1.0, 2.0, 4.0, 8.0])))
    two_stage = log_scores(rows(np.array([[1.0, 1, 1, 1], [2.0, 2, 2, 2]])))
    np.testing.assert_allclose(np.exp(log_ratio(learned, oracle)), [[2] * 4, [4] * 4])
    np.testing.assert_allclose(np.exp(log_ratio(oracle, learned)), [[0.5] * 4, [0.25] * 4])
    np.testing.assert_allclose(
        np.exp(log_ratio(learned, two_stage)), [[2, 4, 8, 16], [2, 4, 8, 16]]
    )


def test_one_number_has_no_interval():
    alone = mean_interval(pd.Series([3.0, np.nan]))
    assert alone.number == 3
    assert np.isnan([alone.low, alone.high]).all()

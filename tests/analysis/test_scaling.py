import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.analysis.scaling import loglog_slope
from nao.seeding import stream

VALUES = np.array([0.03, 0.1, 0.3, 1.0])


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(0.01, 100), st.integers(1, 4))
def test_a_power_law_is_recovered_exactly(slope, factor, replicates):
    scores = np.repeat(factor * VALUES[:, None] ** slope, replicates, axis=1)
    fit = loglog_slope(VALUES, scores)
    np.testing.assert_allclose([fit.slope, fit.low, fit.high], slope, atol=1e-9)
    np.testing.assert_allclose(fit.intercept, np.log(factor), atol=1e-9)
    assert (fit.points, fit.missing) == (4, 0)


def test_against_the_textbook_with_the_interval_of_student():
    scores = np.exp(stream(0, "scores").standard_normal((4, 3)))
    fit = loglog_slope(VALUES, scores, confidence=0.9)
    u, v = np.log(VALUES), np.log(scores).mean(1)
    square = np.sum((u - u.mean()) ** 2)
    slope = np.sum((u - u.mean()) * (v - v.mean())) / square
    intercept = v.mean() - slope * u.mean()
    error = np.sqrt(np.sum((v - intercept - slope * u) ** 2) / 2 / square)
    reach = 2.919986 * error  # the 0.95 quantile of Student's t with 2 degrees of freedom
    np.testing.assert_allclose([fit.slope, fit.intercept], [slope, intercept])
    np.testing.assert_allclose([fit.low, fit.high], [slope - reach, slope + reach], rtol=1e-5)


def test_the_interval_covers_as_often_as_it_says():
    rng = stream(0, "coverage")
    trials = 400
    hits = 0
    for _ in range(trials):
        noise = rng.standard_normal((4, 2))
        fit = loglog_slope(VALUES, VALUES[:, None] ** 0.5 * np.exp(0.1 * noise))
        hits += fit.low <= 0.5 <= fit.high
    assert abs(hits / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_failed_scores_are_counted_and_left_out():
    scores = np.stack([VALUES, 2 * VALUES], axis=1)
    scores[0, 0], scores[2] = np.nan, [np.inf, 0.0]
    fit = loglog_slope(VALUES, scores)
    assert (fit.points, fit.missing) == (3, 3)
    means = [np.log(2 * VALUES[0]), *(np.log(VALUES[[1, 3]]) + np.log(2) / 2)]
    slope = np.polynomial.polynomial.polyfit(np.log(VALUES[[0, 1, 3]]), means, 1)[1]
    np.testing.assert_allclose(fit.slope, slope)


@pytest.mark.parametrize(("count", "known"), [(0, 0), (1, 0), (2, 1)])
def test_too_few_points_give_no_number(count, known):
    scores = np.full((4, 1), np.nan)
    scores[:count, 0] = VALUES[:count]
    fit = loglog_slope(VALUES, scores)
    assert np.isfinite(fit.slope) == bool(known)
    assert np.isnan([fit.low, fit.high]).all()
    assert (fit.points, fit.missing) == (count, 4 - count)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("values", "scores"),
    [(VALUES, np.ones((3, 2))), (-VALUES, np.ones((4, 2))), (VALUES, np.ones(4))],
)
def test_values_and_scores_must_fit(values, scores):
    with pytest.raises(ValueError, match="one positive value per row"):
        loglog_slope(values, scores)

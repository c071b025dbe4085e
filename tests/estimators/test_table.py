from dataclasses import replace

import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators.table import ESTIMATORS


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_sees_what_it_needs_and_no_more(draw, name):
    problem, training = draw(200, 5)
    _, test = draw(30, 5, role="test")
    estimator = ESTIMATORS[name]
    blind = [replace(contexts, w=None) for contexts in (test, training)]
    fitted = estimator.fit(
        blind[1] if estimator.needs_training else None, problem if estimator.needs_truth else None
    )
    w_hat = fitted.estimate(blind[0])
    assert w_hat.shape == (30, 8)
    assert w_hat.dtype == np.float64
    # better than ŵ = 0, and what is not needed changes nothing
    assert rmse(w_hat, test.w) < rmse(np.zeros_like(w_hat), test.w)
    np.testing.assert_array_equal(w_hat, estimator.fit(training, problem).estimate(test))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_missing_is_named(draw, name):
    estimator = ESTIMATORS[name]
    if estimator.needs_training:
        with pytest.raises(ValueError, match="needs training contexts"):
            estimator.fit()
    if estimator.needs_truth:
        with pytest.raises(ValueError, match="needs the true problem"):
            estimator.fit()


def test_where_there_is_no_answer_the_estimates_are_nan_and_the_reason_is_told(draw):
    _, one = draw(1, 5)
    _, test = draw(30, 5, role="test")
    answer = ESTIMATORS["two_stage_ridge"].attempt(test, one)
    assert answer.w_hat.shape == (30, 8)
    assert np.isnan(answer.w_hat).all()
    assert answer.reason is not None
    assert "1 training contexts: a covariance needs at least 2" in answer.reason
    answer = ESTIMATORS["ridge"].attempt(test)
    assert np.isfinite(answer.w_hat).all()
    assert answer.reason is None


def test_those_with_a_posterior_foresee_their_error(draw):
    settings = {"dimension": 12, "noise_std": 0.3}
    problem, training = draw(3000, 6, **settings)
    _, test = draw(3000, 6, role="test", **settings)
    seen = {}
    for name, estimator in ESTIMATORS.items():
        if name in ("ridge", "oracle_ridge", "posterior_mean", "empirical_bayes"):
            seen[name] = estimator.attempt(test, training, problem)
    assert seen.pop("ridge").variance is None
    for answer in seen.values():
        squares = np.sum((answer.w_hat - test.w) ** 2, axis=1)
        excess = squares / squares.mean() - answer.variance / squares.mean()
        assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(excess))
    np.testing.assert_allclose(
        seen["oracle_ridge"].variance, seen["posterior_mean"].variance, rtol=1e-6
    )


def test_the_order_that_the_slides_claim_holds_among_the_classical_estimators(draw):
    settings = {"dimension": 20, "noise_std": 0.1}
    problem, training = draw(1000, 10, **settings)
    _, test = draw(300, 10, role="test", **settings)
    order = ["oracle_ridge", "empirical_bayes", "two_stage_ridge_debiased"]
    order += ["two_stage_ridge", "ridge"]
    error = {
        name: rmse(ESTIMATORS[name].fit(training, problem).estimate(test), test.w) for name in order
    }
    assert sorted(order, key=lambda name: error[name]) == order

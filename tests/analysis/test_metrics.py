from inspect import unwrap

import numpy as np
import pytest

from nao.analysis.metrics import (
    median_error,
    misfit,
    prediction_rmse,
    relative_rmse,
    rmse,
    weighted_rmse,
)

W = np.array([[3.0, 4.0], [0.0, 0.0]])
W_HAT = np.array([[3.0, 3.0], [0.0, 1.0]])


def test_values_by_hand():
    assert rmse(W_HAT, W) == 1  # sqrt((1 + 1) / 2)
    np.testing.assert_allclose(relative_rmse(W_HAT, W), 1 / np.sqrt(25 / 2))
    assert relative_rmse(np.zeros_like(W), W) == 1
    assert median_error(np.array([[1.0, 0.0], [9.0, 0.0], [0.0, 2.0]]), np.zeros((3, 2))) == 2
    x = np.array([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [0.0, 1.0]]])
    y = np.array([[3.0, 8.0], [0.0, 1.0]])
    assert misfit(W_HAT, x, y) == (0 + 4 + 1 + 0) / 4


def test_norms_of_a_design_by_hand():
    sigma = np.array([[9.0, 1.0], [1.0, 1.0]])  # ρ = (1.5, 0.5)
    w_hat = W + np.array([[1.0, -1.0], [0.0, 2.0]])
    np.testing.assert_allclose(prediction_rmse(w_hat, W, sigma) ** 2, (8 + 4) / 2)
    np.testing.assert_allclose(weighted_rmse(w_hat, W, sigma) ** 2, (1.5 + 0.5 + 2) / 2)


def test_prediction_is_of_rows_that_follow_the_design():
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((200_000, 2)) @ [[2.0, 0.3], [0.0, 0.5]]
    sigma = np.array([[2.0, 0.0], [0.3, 0.5]]) @ [[2.0, 0.3], [0.0, 0.5]]
    squares = ((rows @ (W_HAT - W).T) ** 2).mean(1)
    error = 4 * squares.std() / np.sqrt(len(rows))
    assert abs(squares.mean() - prediction_rmse(W_HAT, W, sigma) ** 2) < error


def test_failed_estimates_stay_failed():
    w_hat = W_HAT.copy()
    w_hat[0, 0] = np.nan
    x, y = np.ones((2, 3, 2)), np.ones((2, 3))
    assert np.isnan([rmse(w_hat, W), relative_rmse(w_hat, W), misfit(w_hat, x, y)]).all()
    norms = [each(w_hat, W, np.eye(2)) for each in (weighted_rmse, prediction_rmse)]
    assert np.isnan([median_error(w_hat, W), *norms]).all()


def test_single_precision_input_is_summed_in_double():
    w = np.full((100_000, 2), 1 / 3, np.float32)
    np.testing.assert_allclose(rmse(np.zeros_like(w), w), np.sqrt(2) * w[0, 0], rtol=1e-12)


def test_broadcasting_is_refused():
    """Without the annotations' own check, which only tests have."""
    with pytest.raises(ValueError, match="one estimate per context"):
        unwrap(rmse)(W_HAT[:1], W)
    with pytest.raises(ValueError, match="one estimate per context"):
        unwrap(misfit)(W_HAT[:1], np.ones((2, 3, 2)), np.ones((2, 3)))

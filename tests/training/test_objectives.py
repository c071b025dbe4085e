"""Objectives against their definitions, and what they single out."""

import numpy as np
import torch

from nao.training.objectives import distance, residual

rng = np.random.default_rng(0)
X, Y, W = rng.standard_normal((2, 5, 3, 7)), rng.standard_normal((2, 5, 3)), None
ROWS = torch.from_numpy(np.concatenate([X, Y[..., None]], -1))


def test_residual_is_the_mean_square_of_x_w_minus_y():
    w = rng.standard_normal((2, 5, 7))
    expected = [np.mean([(X[s, b] @ w[s, b] - Y[s, b]) ** 2 for b in range(5)]) for s in range(2)]
    np.testing.assert_allclose(residual(ROWS, torch.from_numpy(w)), expected)


def test_the_papers_loss_vanishes_at_the_pseudo_inverse():
    w = np.linalg.pinv(X) @ Y[..., None]
    assert residual(ROWS, torch.from_numpy(w[..., 0])).max() < 1e-24


def test_distance_is_the_mean_square_norm_of_the_error():
    w, truth = rng.standard_normal((2, 2, 5, 7))
    expected = (np.linalg.norm(w - truth, axis=-1) ** 2).mean(1)
    np.testing.assert_allclose(distance(torch.from_numpy(truth), torch.from_numpy(w)), expected)

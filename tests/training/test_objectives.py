"""Objectives against their definitions, and what they single out."""

import numpy as np
import pytest
import torch

from nao.training.objectives import ALPHA, OBJECTIVES, Batch, distance, residual

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


SIGMA, N, D, DRAWS = 0.7, 6, 9, 40_000
DESIGN, TRUTH = rng.standard_normal((N, D)), rng.standard_normal(D)
# ŵ = MAP Y + SHIFT, a ridge towards some w_0
MAP = DESIGN.T @ np.linalg.inv(DESIGN @ DESIGN.T + 2 * np.eye(N))
SHIFT = (np.eye(D) - MAP @ DESIGN) @ rng.standard_normal(D)


def sampled(objective: str, std: float = SIGMA) -> tuple[float, float]:
    """Its loss over fresh noise at one X and w, and the standard error."""
    noise, probe = SIGMA * rng.standard_normal((1, DRAWS, N)), std * rng.standard_normal((DRAWS, N))
    y = DESIGN @ TRUTH + noise
    rows = np.concatenate([np.broadcast_to(DESIGN, (1, DRAWS, N, D)), y[..., None]], -1)
    batch = Batch(torch.from_numpy(rows), noise=torch.from_numpy(probe[None]))
    tokens, target = OBJECTIVES[objective].ask(batch)
    estimates = tokens[..., -1] @ torch.from_numpy(MAP.T) + torch.from_numpy(SHIFT)
    # Each draw as a member of its own, so that the loss is not averaged over them.
    apart = estimates.view(-1, DRAWS, D).swapaxes(0, 1)
    losses = OBJECTIVES[objective].loss(target[0][:, None], apart).numpy()
    return losses.mean(), losses.std() / np.sqrt(DRAWS)


def noise_free(variance: float) -> float:
    """E‖X ŵ − X w‖²/n of the affine estimator where Y has that variance about X w."""
    bias = DESIGN @ (MAP @ DESIGN @ TRUTH + SHIFT - TRUTH)
    return float((bias @ bias + variance * np.sum((DESIGN @ MAP) ** 2)) / N)


def test_r2r_has_the_mean_of_the_noise_free_misfit():
    mean, error = sampled("r2r")
    expected = noise_free(SIGMA**2 * (1 + ALPHA**2)) + SIGMA**2 * (1 + 1 / ALPHA**2)
    assert error < 0.005 * expected
    assert abs(mean - expected) < 4 * error


def test_sure_has_the_mean_of_the_noise_free_misfit():
    mean, error = sampled("sure")
    expected = noise_free(SIGMA**2) + SIGMA**2
    assert error < 0.005 * expected
    assert abs(mean - expected) < 4 * error


def test_the_papers_loss_does_not():
    """It is short of it by twice the divergence: what there is to gain by fitting noise."""
    mean, error = sampled("misfit")
    short = 2 * SIGMA**2 * np.trace(DESIGN @ MAP) / N
    assert abs(short) > 20 * error
    assert abs(mean - (noise_free(SIGMA**2) + SIGMA**2 - short)) < 4 * error


@pytest.mark.parametrize("objective", ["r2r", "sure"])
def test_without_noise_they_are_the_papers_loss(objective):
    batch = Batch(ROWS, noise=torch.zeros(ROWS.shape[:3], dtype=ROWS.dtype))
    tokens, target = OBJECTIVES[objective].ask(batch)
    estimates = tokens[..., -1] @ torch.from_numpy(rng.standard_normal((3, 7)))
    expected = residual(ROWS, estimates[:, : ROWS.shape[1]])
    torch.testing.assert_close(OBJECTIVES[objective].loss(target, estimates), expected)


@pytest.mark.parametrize("length", [1, 3, 5])
def test_held_out_rows_may_be_of_any_number(length):
    x, w = rng.standard_normal((2, 5, length, 7)), rng.standard_normal((2, 5, 7))
    y = rng.standard_normal((2, 5, length))
    batch = Batch(ROWS, heldout=torch.from_numpy(np.concatenate([x, y[..., None]], -1)))
    tokens, target = OBJECTIVES["heldout"].ask(batch)
    assert tokens is batch.context
    found = OBJECTIVES["heldout"].loss(target, torch.from_numpy(w))
    squares = (np.einsum("sbnd,sbd->sbn", x, w) - y) ** 2
    np.testing.assert_allclose(found, squares.mean((1, 2)))

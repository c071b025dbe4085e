import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from nao.estimators.batches import BATCH
from nao.estimators.ridge import GRID, _resolvent, _tridiagonal, ridge, ridge_penalty
from nao.seeding import stream

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))


def contexts(n: int, d: int, seed: int, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = stream(seed, "ridge", n, d)
    x = rng.standard_normal((count, n, d))
    w = rng.standard_normal((count, d))
    return x, np.einsum("bnd,bd->bn", x, w) + rng.standard_normal((count, n))


def dense_gcv(x: np.ndarray, y: np.ndarray, penalty: float) -> float:
    """GCV straight from its definition, the hat matrix formed."""
    n, d = x.shape
    rest = np.eye(n) - x @ np.linalg.solve(x.T @ x + n * penalty * np.eye(d), x.T)
    return n * np.sum((rest @ y) ** 2) / np.trace(rest) ** 2


@settings(max_examples=40)
@given(shapes)
def test_estimates_are_those_of_scikit_learn_at_the_same_penalty(shape):
    x, y = contexts(*shape)
    for x_j, y_j, w_hat, penalty in zip(x, y, ridge(x, y), ridge_penalty(x, y), strict=True):
        model = Ridge(alpha=shape[0] * penalty, fit_intercept=False, solver="svd").fit(x_j, y_j)
        np.testing.assert_allclose(w_hat, model.coef_, rtol=1e-6, atol=1e-6)


@settings(max_examples=20)
@given(shapes)
def test_the_penalty_minimises_gcv_evaluated_directly_on_a_fine_grid(shape):
    assert_penalties_minimise_gcv(shape)


def test_the_lowest_of_two_valleys_of_gcv_is_found():
    assert_penalties_minimise_gcv((6, 5, 247))


def assert_penalties_minimise_gcv(shape):
    n, d, _ = shape
    x, y = contexts(*shape)
    for x_j, y_j, penalty in zip(x, y, ridge_penalty(x, y), strict=True):
        scale = np.sum(x_j**2) / min(n, d) / n
        # Below 1e-4 the hat matrix itself cancels, and the reference is no reference any more.
        direct = [dense_gcv(x_j, y_j, scale * 10.0**e) for e in np.linspace(-4, GRID[-1], 161)]
        assert dense_gcv(x_j, y_j, max(penalty, scale * 1e-4)) <= min(direct) * (1 + 1e-3)


@settings(max_examples=40)
@given(shapes, st.floats(1e-6, 1e3))
def test_trace_and_form_of_the_resolvent_without_eigenvectors(shape, mu):
    x, y = contexts(*shape)
    kernel = x @ x.transpose(0, 2, 1) + np.eye(shape[0])
    trace, form = _resolvent(*_tridiagonal(kernel, y), np.full((len(x), 1), mu))
    inverse = np.linalg.inv(kernel + mu * np.eye(shape[0]))
    direction = y / np.linalg.norm(y, axis=1, keepdims=True)
    np.testing.assert_allclose(trace[:, 0], np.trace(inverse, axis1=1, axis2=2), rtol=1e-8)
    applied = (inverse @ direction[:, :, None])[:, :, 0]
    np.testing.assert_allclose(form[:, 0], np.sum(applied**2, axis=1), rtol=1e-8)


@pytest.mark.parametrize(("n", "d"), [(4, 9), (9, 4), (5, 5)])
def test_equivariance(n, d):
    x, y = contexts(n, d, seed=1)
    w_hat = ridge(x, y)
    rng = stream(1, "rotation")
    rows, columns = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (n, d))
    np.testing.assert_allclose(ridge(x, 7 * y), 7 * w_hat, rtol=1e-8)
    np.testing.assert_allclose(ridge(7 * x, y), w_hat / 7, rtol=1e-8)
    np.testing.assert_allclose(ridge(rows @ x, y @ rows.T), w_hat, atol=1e-8)
    np.testing.assert_allclose(ridge(x @ columns, y), w_hat @ columns, atol=1e-8)


@pytest.mark.parametrize(("n", "d"), [(4, 9), (9, 4)])
def test_contexts_of_nothing_but_zeros_give_zero(n, d):
    x, y = contexts(n, d, seed=2)
    x[0] = 0
    y[1] = 0
    w_hat = ridge(x, y)
    np.testing.assert_array_equal(w_hat[:2], np.zeros((2, d)))
    assert np.isfinite(w_hat).all()


def test_a_context_does_not_depend_on_its_batch():
    x, y = contexts(3, 5, seed=4, count=BATCH + 2)
    w_hat = ridge(x, y)
    np.testing.assert_allclose(ridge(x[-3:], y[-3:]), w_hat[-3:], rtol=1e-10)
    assert ridge(x.astype(np.float32), y.astype(np.float32)).dtype == np.float64


def test_pure_noise_is_shrunk_and_pure_signal_is_not():
    rng = stream(0, "signal")
    x = rng.standard_normal((200, 12, 4))
    w = rng.standard_normal((200, 4))
    signal = np.einsum("bnd,bd->bn", x, w)
    np.testing.assert_allclose(ridge(x, signal), w, atol=1e-5)
    noise = rng.standard_normal((200, 12))
    least_squares = (np.linalg.pinv(x) @ noise[:, :, None])[:, :, 0]
    assert np.mean(ridge(x, noise) ** 2) < 0.6 * np.mean(least_squares**2)

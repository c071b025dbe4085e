import numpy as np
import pytest

from nao.estimators.least_squares import least_squares
from nao.seeding import stream
from nao.theory.interpolation import interpolation_moments


@pytest.mark.parametrize(("d", "n"), [(5, 1), (5, 3), (8, 4), (6, 5)])
def test_second_moment_of_the_interpolant(d, n):
    rng = stream(0, "interpolant", d, n)
    w = 1.0 + np.arange(d)
    count = 40_000
    x = rng.standard_normal((count, n, d))
    w_hat = least_squares(x, x @ w)
    moment = w_hat[:, :, None] * w_hat[:, None, :]
    a, b = interpolation_moments(d, n)
    exact = a * np.outer(w, w) + b * (w @ w) * np.eye(d)
    errors = moment.std(0) / np.sqrt(count)
    assert np.all(np.abs(moment.mean(0) - exact) < 5 * errors)


@pytest.mark.parametrize("d", [2, 3, 7])
def test_interpolation_moments_keep_the_trace_and_end_at_the_identity(d):
    for n in range(1, d + 3):
        a, b = interpolation_moments(d, n)
        np.testing.assert_allclose(a + b * d, min(n / d, 1))  # tr E[ŵŵᵀ] = (n/d) tr M
    assert interpolation_moments(d, d) == (1, 0)
    assert interpolation_moments(1, 1) == (1, 0)
    limit = d * (d + 2)  # n = 1: E[(u uᵀ w)(·)ᵀ] = (2M + tr(M) I) / (d(d + 2)), u uniform
    np.testing.assert_allclose(interpolation_moments(d, 1), [2 / limit, 1 / limit])

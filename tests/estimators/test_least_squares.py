import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.analysis.metrics import misfit
from nao.estimators.least_squares import least_squares
from nao.seeding import stream


@settings(max_examples=30)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 100))
def test_against_numpy_one_context_at_a_time(n, d, seed):
    rng = stream(seed, "least_squares")
    x, y = rng.standard_normal((4, n, d)), rng.standard_normal((4, n))
    x[0, :, -1] = x[0, :, 0]  # rank-deficient where d > 1
    for x_j, y_j, w_hat in zip(x, y, least_squares(x, y), strict=True):
        reference = np.linalg.lstsq(x_j, y_j)[0]
        np.testing.assert_allclose(w_hat, reference, rtol=1e-6, atol=1e-8)


def test_it_interpolates_when_rows_are_few(draw):
    _, contexts = draw(50, 5)
    assert misfit(least_squares(contexts.x, contexts.y), contexts.x, contexts.y) < 1e-20

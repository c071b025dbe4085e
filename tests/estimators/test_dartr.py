import numpy as np
import pytest
from scipy.linalg import sqrtm

from nao.estimators.dartr import dartr, dartr_gcv
from nao.estimators.l_curve import ridge_l_curve
from nao.estimators.ridge import ridge


@pytest.mark.parametrize(("ours", "solve"), [(dartr, ridge_l_curve), (dartr_gcv, ridge)])
def test_against_the_definition_by_dense_matrices(draw, ours, solve):
    _, contexts = draw(8, 5, noise_std=0.3, condition=10)
    w_hat = ours(contexts.x, contexts.y)
    for x, y, found in zip(contexts.x, contexts.y, w_hat, strict=True):
        explored = np.abs(x).mean(axis=0) / np.abs(x).mean()
        inverse = np.diag(1 / explored)
        root = np.real(sqrtm(inverse @ (x.T @ x / 5) @ inverse))
        expected = root @ solve((x @ root)[None], y[None])[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_not_explored_is_left_alone(draw):
    _, contexts = draw(8, 5)
    contexts.x[:, :, 3] = 0
    w_hat = dartr(contexts.x, contexts.y)
    assert np.isfinite(w_hat).all()
    np.testing.assert_allclose(w_hat[:, 3], 0, atol=1e-12)

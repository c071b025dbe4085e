import numpy as np
import pytest

from nao.estimators.batches import BATCH, in_batches


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_batches_cover_every_context_once_in_float64(count):
    x = np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)
    y = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    sizes = []

    def total(x, y):
        assert x.dtype == y.dtype == np.float64
        sizes.append(len(x))
        return x.sum(axis=(1, 2)) + y.sum(axis=1)

    np.testing.assert_array_equal(in_batches(total, x, y), x.sum((1, 2)) + y.sum(1))
    assert max(sizes) <= BATCH
    assert sum(sizes) == count


@pytest.mark.parametrize("shapes", [((4, 3), (4,)), ((5, 4, 3), (5, 3)), ((5, 4, 3), (4, 4))])
def test_shapes_that_do_not_fit_are_named(shapes):
    with pytest.raises(ValueError, match=r"batch, n, d"):
        in_batches(lambda x, y: y, np.zeros(shapes[0]), np.zeros(shapes[1]))

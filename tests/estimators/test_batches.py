import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nao.estimators.batches import BATCH, in_batches
from nao.estimators.ridge import ridge
from nao.seeding import stream


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


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("shapes", [((4, 3), (4,)), ((5, 4, 3), (5, 3)), ((5, 4, 3), (4, 4))])
def test_shapes_that_do_not_fit_are_named(shapes):
    with pytest.raises(ValueError, match=r"batch, n, d"):
        in_batches(lambda x, y: y, np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_the_number_of_threads_changes_nothing_and_is_left_as_it_was():
    rng = stream(0, "threads")
    x, y = rng.standard_normal((3 * BATCH + 5, 6, 9)), rng.standard_normal((3 * BATCH + 5, 6))
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            results.append(ridge(x, y))
            counts = {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
            assert counts == {threads}
    np.testing.assert_array_equal(*results)


def test_an_error_in_one_batch_is_raised():
    def fail(x, y):
        raise ValueError("no estimate")

    with threadpool_limits(2, user_api="blas"), pytest.raises(ValueError, match="no estimate"):
        in_batches(fail, np.zeros((3 * BATCH, 2, 3)), np.zeros((3 * BATCH, 2)))

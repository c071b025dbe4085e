"""Run an estimator over many contexts: a batch at a time, in float64, on every core it may use."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from jaxtyping import Float
from threadpoolctl import ThreadpoolController

#: Contexts a batch: enough to amortise NumPy's calls, few enough to stay near the cache.
BATCH = 128


def in_batches(
    estimate: Callable[[np.ndarray, np.ndarray], np.ndarray],
    x: Float[np.ndarray, "batch n d"],
    y: Float[np.ndarray, "batch n"],
) -> np.ndarray:
    """Stack estimate(x, y) over consecutive batches, each converted to float64.

    Batches run in as many threads as BLAS is allowed (OMP_NUM_THREADS), and BLAS in one each: its
    own threads cost far more than they bring on matrices as small as a context's. So the result
    does not depend on the number of threads.
    """
    if x.ndim != 3 or y.shape != x.shape[:2]:
        raise ValueError(
            f"contexts have x of shape {x.shape} and y of shape {y.shape}: "
            "give x as (batch, n, d) and y as (batch, n)"
        )

    def run(start: int) -> np.ndarray:
        batch = slice(start, start + BATCH)
        return estimate(_float64(x[batch]), _float64(y[batch]))

    blas = _blas()
    threads = max((library["num_threads"] for library in blas.info()), default=1)
    starts = range(0, max(len(x), 1), BATCH)
    with blas.limit(limits=1):
        if threads == 1 or len(starts) == 1:
            return np.concatenate([run(start) for start in starts])
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(run, starts)))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _float64(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64, copy=False)

"""Run an estimator over many contexts a batch at a time, in float64 and bounded memory."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

#: Contexts a batch: enough to amortise NumPy's calls, few enough to stay near the cache.
BATCH = 256


def in_batches(
    estimate: Callable[[np.ndarray, np.ndarray], np.ndarray],
    x: Float[np.ndarray, "batch n d"],
    y: Float[np.ndarray, "batch n"],
) -> np.ndarray:
    """Stack estimate(x, y) over consecutive batches, each converted to float64."""
    if x.ndim != 3 or y.shape != x.shape[:2]:
        raise ValueError(
            f"contexts have x of shape {x.shape} and y of shape {y.shape}: "
            "give x as (batch, n, d) and y as (batch, n)"
        )
    batches = [slice(i, i + BATCH) for i in range(0, max(len(x), 1), BATCH)]
    return np.concatenate([estimate(_float64(x[b]), _float64(y[b])) for b in batches])


def _float64(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64, copy=False)

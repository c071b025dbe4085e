"""The Lasso, a negative control: dense weights are no sparse ones."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.estimators.batches import in_batches
from nao.tasks.problems import Contexts

#: Penalties tried, as a share of the least that gives ŵ = 0, and contexts they are tried on
SHARES, TRIED = np.geomspace(1, 1e-3, 25)[1:], 200


@dataclass(frozen=True)
class Lasso:
    """argmin ‖Y − Xw‖²/2n + α‖w‖₁ with α = share · max|XᵀY|/n in each context."""

    share: float

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """By coordinate descent, one context at a time."""

        def solve(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            path = [_path(*pair, np.array([self.share])) for pair in zip(x, y, strict=True)]
            return np.stack(path)[:, :, 0]

        return in_batches(solve, test.x, test.y)


def fit_lasso(training: Contexts) -> Lasso:
    """The share with the least error on rows left out of the first training contexts.

    A fifth of a context's rows is left out, one at least; of contexts of one row that is all, and
    ŵ = 0 for each.
    """
    n = training.x.shape[1]
    kept = n - max(n // 5, 1)
    errors = np.zeros(len(SHARES))
    for x, y in zip(training.x[:TRIED], training.y[:TRIED], strict=True):
        x, y = x.astype(np.float64), y.astype(np.float64)
        w_hat = _path(x[:kept], y[:kept], SHARES) if kept else np.zeros((x.shape[1], len(SHARES)))
        errors += np.sum((y[kept:, None] - x[kept:] @ w_hat) ** 2, axis=0)
    return Lasso(float(SHARES[errors.argmin()]))


def _path(x: np.ndarray, y: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """ŵ (d, shares)."""
    from sklearn.exceptions import ConvergenceWarning  # here, for they are slow to load
    from sklearn.linear_model import lasso_path

    largest = np.abs(x.T @ y).max() / len(y)
    if largest == 0:
        return np.zeros((x.shape[1], len(shares)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough for a control
        return lasso_path(x, y, alphas=largest * shares)[1]

"""Two verbs for every estimator: fit to what it may see, then estimate from test contexts.

fitted = ESTIMATORS["two_stage_ridge"].fit(training)
w_hat = fitted.estimate(test)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from nao.tasks.problems import Contexts, Problem


class NotComputable(ValueError):
    """This estimator has no answer for these data; the sentence says why and what would help."""


class Fitted(Protocol):
    """An estimator that has seen all that it learns from."""

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """ŵ in float64 for each context; its w is not looked at."""
        ...


@dataclass(frozen=True)
class Alone:
    """An estimator that learns nothing: ŵ = function(x, y), context by context."""

    function: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """ŵ of each context from its own rows."""
        return self.function(test.x, test.y)


@dataclass(frozen=True)
class Estimator:
    """What an estimator needs to see; `fitting` takes just that, in this order."""

    fitting: Callable[..., Fitted]
    needs_training: bool = False
    needs_truth: bool = False

    def fit(self, training: Contexts | None = None, truth: Problem | None = None) -> Fitted:
        """The estimator fitted to what it needs; the rest is not looked at.

        Raises ValueError where something it needs is not given, `NotComputable` where it has no
        answer for these data.
        """
        arguments: list[Contexts | Problem] = []
        for needed, name, given in (
            (self.needs_training, "training contexts", training),
            (self.needs_truth, "the true problem", truth),
        ):
            if needed and given is None:
                raise ValueError(f"{self.fitting.__name__} needs {name}, and got none")
            if needed and given is not None:
                arguments.append(given)
        return self.fitting(*arguments)

    def attempt(
        self, test: Contexts, training: Contexts | None = None, truth: Problem | None = None
    ) -> tuple[Float[np.ndarray, "batch d"], str | None]:
        """ŵ of the test contexts, and None; where there is no answer NaN, and the reason."""
        try:
            return self.fit(training, truth).estimate(test), None
        except NotComputable as fault:
            return np.full((len(test), test.x.shape[2]), np.nan), str(fault)

"""Two verbs for every estimator: fit to what it may see, then estimate from test contexts.

fitted = ESTIMATORS["two_stage_ridge"].fit(training)
w_hat = fitted.estimate(test)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.linalg import LinAlgError

from nao.tasks.problems import Contexts, Problem

APART = "in double precision: sizes in these data lie too far apart"
"""What sentences end with where numbers, and not the data, leave no answer."""


class NotComputable(ValueError):
    """This estimator has no answer for these data; the sentence says why and what would help."""


@runtime_checkable
class Fitted(Protocol):
    """An estimator that has seen all that it learns from."""

    def estimate(self, test: Contexts) -> Float[np.ndarray, "batch d"]:
        """ŵ in float64 for each context; its w is not looked at."""
        ...


@runtime_checkable
class Bayesian(Protocol):
    """One that has a posterior, and so says of every estimate how far it may be off."""

    def variance(self, test: Contexts) -> Float[np.ndarray, " batch"]:
        """E[‖ŵ − w‖² | X, Y] by its own model, for each context."""
        ...


@dataclass(frozen=True, eq=False)
class Answer:
    """ŵ, with its `variance` where the estimator has a posterior; NaN with a `reason` if none."""

    w_hat: Float[np.ndarray, "batch d"]
    variance: Float[np.ndarray, " batch"] | None = None
    reason: str | None = None


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
    ) -> Answer:
        """What the estimator, fitted to what it needs, says of the test contexts."""
        try:
            fitted = self.fit(training, truth)
            variance = fitted.variance(test) if isinstance(fitted, Bayesian) else None
            return Answer(fitted.estimate(test), variance)
        except NotComputable as fault:
            reason = str(fault)
        except LinAlgError as fault:
            reason = f"{fault} {APART}"
        return Answer(np.full((len(test), test.x.shape[2]), np.nan), reason=reason)

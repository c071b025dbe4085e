"""The estimators, by name: what each needs to see, and how it turns contexts into ŵ.

    w_hat = ESTIMATORS["two_stage_ridge"].estimate(test, training)

A new estimator is one file here and one row in the table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nao.estimators import empirical_bayes, least_squares, oracle, ridge, two_stage
from nao.tasks.problems import Contexts, Problem


@dataclass(frozen=True)
class Estimator:
    """`function` takes the test contexts, then the training contexts or the truth if needed."""

    function: Callable[..., np.ndarray]
    needs_training: bool = False
    needs_truth: bool = False

    def estimate(
        self, test: Contexts, training: Contexts | None = None, truth: Problem | None = None
    ) -> np.ndarray:
        """ŵ (batch, d) in float64 for each test context; what is not needed is not looked at."""
        arguments: list[Contexts | Problem] = [test]
        for needed, name, given in (
            (self.needs_training, "training contexts", training),
            (self.needs_truth, "the true problem", truth),
        ):
            if needed and given is None:
                raise ValueError(f"{self.function.__name__} needs {name}, and got none")
            if needed and given is not None:
                arguments.append(given)
        return self.function(*arguments)


def _ridge(test: Contexts) -> np.ndarray:
    return ridge.ridge(test.x, test.y)


def _least_squares(test: Contexts) -> np.ndarray:
    return least_squares.least_squares(test.x, test.y)


def _two_stage_ridge(test: Contexts, training: Contexts) -> np.ndarray:
    prior = two_stage.fit_prior(training.x, training.y)
    return two_stage.two_stage_ridge(prior, test.x, test.y)


def _two_stage_ridge_debiased(test: Contexts, training: Contexts) -> np.ndarray:
    prior = two_stage.fit_prior_debiased(training.x, training.y)
    return two_stage.two_stage_ridge(prior, test.x, test.y)


def _empirical_bayes(test: Contexts, training: Contexts) -> np.ndarray:
    model = empirical_bayes.fit_mixed_model(training.x, training.y)
    return empirical_bayes.empirical_bayes(model, test.x, test.y)


def _oracle_ridge(test: Contexts, truth: Problem) -> np.ndarray:
    return oracle.oracle_ridge(truth, test.x, test.y)


ESTIMATORS: dict[str, Estimator] = {
    "ridge": Estimator(_ridge),
    "least_squares": Estimator(_least_squares),
    "two_stage_ridge": Estimator(_two_stage_ridge, needs_training=True),
    "two_stage_ridge_debiased": Estimator(_two_stage_ridge_debiased, needs_training=True),
    "empirical_bayes": Estimator(_empirical_bayes, needs_training=True),
    "oracle_ridge": Estimator(_oracle_ridge, needs_truth=True),
}

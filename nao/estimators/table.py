"""The estimators, by name: what each needs to see, and how it is fitted to that.

    w_hat = ESTIMATORS["two_stage_ridge"].fit(training).estimate(test)

A new estimator is one file here and one row in the table.
"""

from nao.estimators import (
    bayes,
    dartr,
    empirical_bayes,
    gaussian_em,
    l_curve,
    lasso,
    least_squares,
    mixture_em,
    oracle,
    principal_components,
    ridge,
    two_stage,
)
from nao.estimators.estimator import Alone, Estimator

ESTIMATORS: dict[str, Estimator] = {
    "ridge": Estimator(lambda: Alone(ridge.ridge)),
    "ridge_l_curve": Estimator(lambda: Alone(l_curve.ridge_l_curve)),
    "dartr": Estimator(lambda: Alone(dartr.dartr)),
    "dartr_gcv": Estimator(lambda: Alone(dartr.dartr_gcv)),
    "lasso": Estimator(lasso.fit_lasso, needs_training=True),
    "least_squares": Estimator(lambda: Alone(least_squares.least_squares)),
    "two_stage_ridge": Estimator(two_stage.fit_prior, needs_training=True),
    "two_stage_ridge_debiased": Estimator(two_stage.fit_prior_debiased, needs_training=True),
    "empirical_bayes": Estimator(empirical_bayes.fit_mixed_model, needs_training=True),
    "gaussian_em": Estimator(gaussian_em.fit_gaussian, needs_training=True),
    "mixture_em": Estimator(mixture_em.fit_mixture, needs_training=True),
    "principal_components": Estimator(
        principal_components.fit_principal_components, needs_training=True
    ),
    "oracle_ridge": Estimator(oracle.oracle_ridge, needs_truth=True),
    "posterior_mean": Estimator(bayes.Bayes, needs_truth=True),
}

import numpy as np
import pytest
from scipy.linalg import subspace_angles

from nao.analysis.metrics import rmse
from nao.estimators.estimator import NotComputable
from nao.estimators.principal_components import PrincipalComponents, fit_principal_components
from nao.tasks.problems import Contexts, draw_problem, sample_contexts
from tests.laws import problem_spec


def test_it_finds_the_span_of_the_prior_and_how_many_axes_it_has():
    problem = draw_problem(problem_spec(8, rank=2, noise_std=0.05), seed=1)
    train = sample_contexts(problem, 5, 5000, np.random.default_rng(0))
    test = sample_contexts(problem, 5, 500, np.random.default_rng(1))
    fitted = fit_principal_components(Contexts(train.x, train.y))
    assert fitted.axes.shape == (8, 2)
    assert np.degrees(subspace_angles(fitted.axes, problem.prior_basis)).max() < 3
    # least squares told the span itself
    told = PrincipalComponents(problem.prior_mean, problem.prior_basis).estimate(test)
    assert test.w is not None
    assert rmse(fitted.estimate(test), test.w) < 3 * rmse(told, test.w)  # axes off by degrees


def test_an_estimate_is_least_squares_on_the_axes():
    rng = np.random.default_rng(2)
    axes, mean = np.linalg.qr(rng.standard_normal((6, 2)))[0], rng.standard_normal(6)
    x, y = rng.standard_normal((3, 4, 6)), rng.standard_normal((3, 4))
    w_hat = PrincipalComponents(mean, axes).estimate(Contexts(x, y))
    for i in range(3):
        v = np.linalg.lstsq(x[i] @ axes, y[i] - x[i] @ mean)[0]
        np.testing.assert_allclose(w_hat[i], mean + axes @ v)


def test_rows_that_do_not_determine_the_moments_are_refused():
    contexts = Contexts(np.ones((1, 2, 6)), np.ones((1, 2)))
    with pytest.raises(NotComputable, match="pooled least squares needs at least d = 6 rows"):
        fit_principal_components(contexts)

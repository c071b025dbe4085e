import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators import gaussian_em
from nao.estimators.estimator import NotComputable
from nao.estimators.gaussian_em import fit_gaussian
from nao.estimators.oracle import oracle_ridge
from nao.tasks.problems import Contexts, draw_problem, sample_contexts
from tests.laws import problem_spec


def log_likelihood(model, contexts):
    """By the dense covariance of each Y."""
    total = 0.0
    for x, y in zip(contexts.x, contexts.y, strict=True):
        gram = x @ model.covariance @ x.T + model.noise_variance * np.eye(len(y))
        residual = y - x @ model.mean
        total -= 0.5 * (np.linalg.slogdet(gram)[1] + residual @ np.linalg.solve(gram, residual))
    return total / len(contexts)


def test_it_finds_a_prior_of_full_rank(monkeypatch):
    monkeypatch.setattr(gaussian_em, "TOLERANCE", 1e-5)
    problem = draw_problem(problem_spec(6, rank=6, noise_std=0.3, condition=5.0), seed=2)
    train, test = (
        sample_contexts(problem, 4, 4000, np.random.default_rng(i), role=role)
        for i, role in enumerate(("train", "test"))
    )
    model = fit_gaussian(Contexts(train.x, train.y), 400)
    np.testing.assert_allclose(model.mean, problem.prior_mean, atol=0.15)
    np.testing.assert_allclose(model.covariance, problem.prior_covariance, atol=0.35)
    np.testing.assert_allclose(model.noise_variance, 0.09, rtol=0.3)
    assert test.w is not None
    oracle = rmse(oracle_ridge(problem).estimate(test), test.w)
    assert oracle < rmse(model.estimate(test), test.w) < 1.02 * oracle


def test_no_iteration_lowers_the_likelihood():
    problem = draw_problem(problem_spec(5, rank=3), seed=4)
    train = sample_contexts(problem, 3, 60, np.random.default_rng(0))
    reached = [log_likelihood(fit_gaussian(train, steps), train) for steps in range(12)]
    assert np.all(np.diff(reached) > 0)


def test_it_stops_where_the_likelihood_no_longer_gains(monkeypatch):
    problem = draw_problem(problem_spec(5, rank=3), seed=4)
    train = sample_contexts(problem, 3, 60, np.random.default_rng(0))
    monkeypatch.setattr(gaussian_em, "TOLERANCE", np.inf)
    stopped, one = fit_gaussian(train, 50), fit_gaussian(train, 1)
    np.testing.assert_array_equal(stopped.covariance, one.covariance)


def test_rows_that_one_w_explains_have_no_answer():
    problem = draw_problem(problem_spec(5, rank=3), seed=4)
    train = sample_contexts(problem, 1, 5, np.random.default_rng(0))
    with pytest.raises(NotComputable, match="one w explains all 5 contexts of 1 rows in d = 5"):
        fit_gaussian(train)
    fit_gaussian(sample_contexts(problem, 1, 6, np.random.default_rng(0)))


def test_as_many_rows_as_unknowns_have_no_answer_even_if_they_contradict_each_other():
    twice = Contexts(np.ones((2, 1, 2)), np.array([[0.0], [1.0]]))
    with pytest.raises(NotComputable, match="one w explains all 2 contexts of 1 rows in d = 2"):
        fit_gaussian(twice)

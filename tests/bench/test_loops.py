"""The loops reach what the estimators reach, by other means."""

import numpy as np
import pytest

from nao.bench import loops
from nao.bench.estimators import PENALTIES
from nao.estimators import ridge as ridge_module
from nao.estimators.empirical_bayes import fit_mixed_model
from nao.estimators.oracle import oracle_ridge
from nao.estimators.ridge import ridge
from nao.estimators.two_stage import fit_prior
from nao.seeding import stream
from nao.tasks.problems import draw_problem, sample_contexts
from tests.laws import problem_spec

FINE = 4000  # penalties: a grid as fine as our search ends


@pytest.fixture(scope="module")
def setting():
    problem = draw_problem(problem_spec(12), 0)
    return problem, sample_contexts(problem, 8, 100, stream(0, "test", "loops"))


def close(found, expected):
    """As far as two grids of 0.003 and 0.008 decades differ."""
    np.testing.assert_allclose(found, expected, atol=4e-3 * np.abs(expected).max())


def test_ridge_by_svd(setting):
    _, contexts = setting
    close(loops.ridge_svd(contexts.x, contexts.y, FINE), ridge(contexts.x, contexts.y))


def test_ridge_by_scikit_learn_minimises_another_criterion_over_the_same_path(setting):
    # Leave-one-out in place of GCV: the estimates agree in the misfit they allow, not in digits.
    _, contexts = setting
    x, y = contexts.x, contexts.y
    errors = [
        np.mean((w_hat - contexts.w) ** 2) for w_hat in (loops.ridge_cv(x, y, 50), ridge(x, y))
    ]
    assert errors[0] == pytest.approx(errors[1], rel=0.2)


def test_penalties_are_as_many_as_ridge_looks_at(setting, monkeypatch):
    _, contexts = setting
    looked_at = []
    original = ridge_module._resolvent
    monkeypatch.setattr(
        ridge_module,
        "_resolvent",
        lambda *arguments: looked_at.append(arguments[2].shape[1]) or original(*arguments),
    )
    ridge(contexts.x, contexts.y)
    assert sum(looked_at) == PENALTIES


def test_two_stages(setting):
    _, contexts = setting
    x, y = contexts.x, contexts.y
    close(loops.two_stage(x, y, FINE), fit_prior(contexts).estimate(contexts))


def test_oracle(setting):
    problem, contexts = setting
    found = loops.oracle(problem, contexts.x, contexts.y)
    np.testing.assert_allclose(found, oracle_ridge(problem).estimate(contexts), atol=1e-10)


def test_expectation_maximisation(setting):
    _, contexts = setting
    plain = loops.expectation_maximisation(contexts.x, contexts.y, rank=2)
    ours = fit_mixed_model(contexts, rank=2)
    # Both stop at a gain of 0.01; plain EM climbs more slowly, so it may stop earlier.
    assert ours.log_likelihood - 3 < plain.log_likelihood < ours.log_likelihood + 0.1
    assert plain.noise_variance == pytest.approx(ours.noise_variance, rel=0.01)
    np.testing.assert_allclose(plain.mean, ours.mean, atol=0.1)

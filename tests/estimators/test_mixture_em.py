import numpy as np
import pytest

from nao.analysis.metrics import rmse
from nao.estimators import mixture_em
from nao.estimators.bayes import Bayes
from nao.estimators.empirical_bayes import Statistics, fit_mixed_model
from nao.estimators.estimator import NotComputable
from nao.estimators.mixture_em import (
    MixtureModel,
    clustered,
    fit_mixture,
    linear_estimates,
    maximise,
)
from nao.estimators.oracle import oracle_ridge
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.mixtures import GaussianMixture
from nao.tasks.problems import Contexts, draw_problem, sample_contexts


def mixture(count: int, role: str, **prior):
    values = {"kind": "mixture", "components": 2, "rank": 1} | prior
    spec = ProblemSpec.model_validate({"dimension": 8, "prior": values, "noise": {"std": 0.1}})
    problem = draw_problem(spec, 1)
    return problem, sample_contexts(problem, 5, count, stream(0, role))


def started(training: Contexts, components: int, rank: int) -> tuple[Statistics, MixtureModel]:
    statistics = Statistics(training.x, training.y)
    linear, variance = linear_estimates(statistics.x, statistics.y)
    return statistics, clustered(linear, components, rank, variance)


def test_it_finds_the_components_and_nearly_the_exact_posterior():
    problem, training = mixture(600, "train")
    _, test = mixture(500, "test")
    model = fit_mixture(training)
    assert test.w is not None
    assert model.mixture.loadings.shape == (2, 8, 1)
    exact = rmse(Bayes(problem).estimate(test), test.w)
    assert rmse(model.estimate(test), test.w) < 1.1 * exact
    assert exact < 0.7 * rmse(oracle_ridge(problem).estimate(test), test.w)
    np.testing.assert_allclose(model.noise_variance, 0.01, rtol=0.15)
    np.testing.assert_allclose(model.covariance, problem.prior_covariance, atol=0.15)


def test_no_iteration_lowers_the_likelihood_and_it_is_that_of_the_data():
    _, training = mixture(150, "train", components=3)
    statistics, start = started(training, 3, 1)
    models = [maximise(statistics, start, iterations) for iterations in range(1, 12)]
    climb = [model.log_likelihood for model in models]
    assert np.all(np.diff(climb) > 0)
    # the likelihood kept is that before the last step
    posterior = models[3].mixture.posterior(
        training.x, training.y, np.sqrt(models[3].noise_variance)
    )
    np.testing.assert_allclose(climb[4], posterior.evidence.mean(), rtol=1e-9)


def test_one_component_is_the_linear_mixed_model(monkeypatch):
    monkeypatch.setattr(mixture_em, "TOLERANCE", 1e-7)
    _, training = mixture(300, "train", components=1, rank=2)
    single = fit_mixed_model(training, rank=2)
    model = maximise(*started(training, 1, 2), 400)
    np.testing.assert_allclose(
        len(training) * model.log_likelihood, single.log_likelihood, atol=0.5
    )
    np.testing.assert_allclose(model.mean, single.mean, atol=0.02)
    np.testing.assert_allclose(model.covariance, single.covariance, atol=0.05)


def test_linear_estimates_are_those_of_one_gaussian():
    problem, training = mixture(2000, "train", components=1, rank=8)
    linear, _ = linear_estimates(training.x, training.y)
    assert training.w is not None
    oracle = rmse(oracle_ridge(problem).estimate(training), training.w)
    assert rmse(linear, training.w) < 1.05 * oracle


def test_a_component_without_contexts_dies_out():
    _, training = mixture(200, "train")
    statistics, start = started(training, 2, 1)
    means = np.vstack([start.mixture.means, np.full(8, 100.0)])
    loadings = np.concatenate([start.mixture.loadings, np.zeros((1, 8, 1))])
    wide = GaussianMixture(np.array([0.4, 0.4, 0.2]), means, loadings)
    model = maximise(statistics, MixtureModel(wide, start.noise_variance))
    assert len(model.mixture.weights) == 2
    assert np.isfinite(model.log_likelihood)


def test_too_few_contexts_are_refused():
    _, training = mixture(9, "train")
    with pytest.raises(NotComputable, match=r"9 training contexts.* at least 10 .*raise train_con"):
        fit_mixture(training)

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from statsmodels.regression.mixed_linear_model import MixedLM

from nao.analysis.metrics import rmse
from nao.estimators.empirical_bayes import TOLERANCE, Statistics, fit_mixed_model
from nao.estimators.estimator import NotComputable
from nao.estimators.oracle import oracle_ridge
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import Contexts, draw_problem, sample_contexts


def log_likelihood(x, y, mean, loading, noise_variance):
    """Sum of the marginal Gaussian log-densities, context by context."""
    return sum(
        multivariate_normal.logpdf(
            y_j, x_j @ mean, x_j @ loading @ loading.T @ x_j.T + noise_variance * np.eye(len(y_j))
        )
        for x_j, y_j in zip(x, y, strict=True)
    )


def test_the_fit_is_the_maximum_of_the_marginal_likelihood(draw):
    d = 3
    _, contexts = draw(60, 2, dimension=d, rank=1, noise_std=0.5)
    model = fit_mixed_model(contexts, rank=1)
    arguments = (model.mean, model.loading, model.noise_variance)
    own = log_likelihood(contexts.x, contexts.y, *arguments)
    np.testing.assert_allclose(model.log_likelihood, own, atol=5 * TOLERANCE)

    def negative(theta):
        mean, loading, log_noise = theta[:d], theta[d : 2 * d, None], theta[-1]
        return -log_likelihood(contexts.x, contexts.y, mean, loading, np.exp(log_noise))

    start = np.concatenate([np.zeros(d), np.ones(d), [0.0]])  # knows nothing of ours
    best = minimize(negative, start, method="BFGS")
    assert own > -best.fun - 0.1
    sign = np.sign(model.loading[:, 0] @ best.x[d : 2 * d])
    np.testing.assert_allclose(model.mean, best.x[:d], atol=0.02)
    np.testing.assert_allclose(sign * model.loading[:, 0], best.x[d : 2 * d], atol=0.02)
    np.testing.assert_allclose(model.noise_variance, np.exp(best.x[-1]), rtol=0.05)


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_the_normal_equations_are_those_of_a_dense_least_squares(draw, penalty):
    _, contexts = draw(20, 3, dimension=4, rank=1, noise_std=0.5)
    u = stream(0, "coordinates").standard_normal((len(contexts), 2))
    found = Statistics(contexts.x, contexts.y).solve(u, u[:, :, None] * u[:, None], penalty)
    rows = np.concatenate([np.kron(u_j, x_j) for x_j, u_j in zip(contexts.x, u, strict=True)])
    system = rows.T @ rows + penalty * np.eye(rows.shape[1])
    expected = np.linalg.solve(system, rows.T @ contexts.y.ravel())
    np.testing.assert_allclose(found, expected.reshape(2, 4).T, rtol=1e-9)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("condition", [1, 10])
def test_rank_and_noise_are_found_and_the_oracle_is_nearly_reached(draw, rank, condition):
    settings = {"dimension": 12, "rank": rank, "condition": condition}
    problem, training = draw(500, 6, **settings)
    _, test = draw(500, 6, role="test", **settings)
    model = fit_mixed_model(training)
    assert model.loading.shape == (12, rank)
    # the relative standard error of a variance from 500 × (6 − rank) residuals
    residuals = 500 * (6 - rank)
    np.testing.assert_allclose(
        model.noise_variance, problem.noise_std**2, rtol=5 * np.sqrt(2 / residuals)
    )
    oracle = rmse(oracle_ridge(problem).estimate(test), test.w)
    assert rmse(model.estimate(test), test.w) < 1.15 * oracle


@pytest.mark.parametrize("start", [1, 2, 4])
def test_bic_finds_the_rank_from_either_side(draw, monkeypatch, start):
    _, contexts = draw(300, 5)
    monkeypatch.setattr("nao.estimators.two_stage.spectral_rank", lambda _: start)
    assert fit_mixed_model(contexts).loading.shape == (8, 2)


def test_the_order_of_contexts_does_not_matter(draw):
    _, contexts = draw(100, 4)
    forward = fit_mixed_model(contexts, rank=2)
    backward = fit_mixed_model(Contexts(contexts.x[::-1], contexts.y[::-1]), rank=2)
    np.testing.assert_allclose(forward.mean, backward.mean, atol=1e-8)
    np.testing.assert_allclose(forward.log_likelihood, backward.log_likelihood, atol=1e-6)


def test_a_rank_above_the_truth_gains_likelihood_but_loses_bic(draw):
    _, contexts = draw(300, 5)
    models = [fit_mixed_model(contexts, rank) for rank in (1, 2, 3)]
    likelihoods = [model.log_likelihood for model in models]
    assert likelihoods[0] < likelihoods[1] < likelihoods[2] + TOLERANCE
    assert np.argmin([model.bic(300) for model in models]) == 1
    # −2 log L + k log N with k = d + dr − r(r − 1)/2 + 1 = 8 + 16 − 1 + 1
    np.testing.assert_allclose(models[1].bic(300), -2 * likelihoods[1] + 24 * np.log(300))


def test_every_iteration_raises_the_likelihood(draw, monkeypatch):
    _, contexts = draw(60, 4)
    climb = []
    for iterations in range(1, 8):
        monkeypatch.setattr("nao.estimators.empirical_bayes.ITERATIONS", iterations)
        climb.append(fit_mixed_model(contexts, rank=2).log_likelihood)
    assert np.all(np.diff(climb) > 0)


def test_against_statsmodels_where_slopes_are_random_in_every_direction(draw):
    _, contexts = draw(80, 4, dimension=2, noise_std=0.5)
    ours = fit_mixed_model(contexts, rank=2)
    rows = contexts.x.reshape(-1, 2)
    groups = np.repeat(np.arange(80), 4)
    theirs = MixedLM(contexts.y.ravel(), rows, groups, exog_re=rows).fit(reml=False)
    np.testing.assert_allclose(ours.log_likelihood, theirs.llf, atol=2 * TOLERANCE)
    np.testing.assert_allclose(ours.mean, theirs.fe_params, atol=0.02)
    np.testing.assert_allclose(ours.covariance, theirs.cov_re, atol=0.05)
    np.testing.assert_allclose(ours.noise_variance, theirs.scale, rtol=0.02)


@pytest.mark.parametrize("operator", ["integral", "nonlocal"])
def test_rows_that_are_blind_to_most_of_w_leave_the_prediction_near_the_oracles(operator):
    values = {
        "dimension": 40,
        "design": {"kind": "operator", "operator": operator},
        "prior": {"rank": 2, "basis": "cosines"},
        "noise": {"ratio": 0.05},
    }
    problem = draw_problem(ProblemSpec.model_validate(values), 0)
    training, test = (sample_contexts(problem, 20, 300, stream(0, role)) for role in ("a", "b"))
    model = fit_mixed_model(training)
    assert 1 <= model.loading.shape[1] <= 3

    def prediction(fitted):
        error = fitted.estimate(test) - test.w
        return np.sqrt(np.mean(np.sum(error * (error @ problem.design_covariance), axis=1)))

    assert prediction(model) < 1.1 * prediction(oracle_ridge(problem))


def test_the_search_for_the_rank_ends_at_the_rows_of_a_context(draw):
    _, contexts = draw(300, 3, dimension=8, rank=6, noise_std=0.05)
    assert fit_mixed_model(contexts).loading.shape[1] <= 3


@pytest.mark.parametrize("shape", [(2, 4, 5), (3, 2, 5), (5, 2, 8)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_contexts_that_do_not_determine_the_model_are_refused(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    told = f"{shape[0]} training contexts of {shape[1]} rows do not determine"
    with pytest.raises(NotComputable, match=told):
        fit_mixed_model(Contexts(x, np.zeros(shape[:2])))


@pytest.mark.parametrize("start", range(1, 8))
def test_few_contexts_that_determine_one_direction_are_answered_wherever_the_search_starts(
    draw, monkeypatch, start
):
    monkeypatch.setattr("nao.estimators.two_stage.spectral_rank", lambda _: start)
    for number in range(4):
        _, contexts = draw(3, 7, role=f"train{number}", rank=1)  # 18 residuals above 2 d = 16
        assert fit_mixed_model(contexts).noise_variance > 0


def test_the_search_keeps_what_it_has_where_one_more_direction_cannot_be_told(draw, monkeypatch):
    monkeypatch.setattr("nao.estimators.empirical_bayes.UNKNOWNS", 24)
    _, contexts = draw(300, 6, dimension=8, rank=2, noise_std=0.05)
    assert fit_mixed_model(contexts).loading.shape[1] == 2


def test_too_many_unknowns_are_refused_with_their_number(draw, monkeypatch):
    monkeypatch.setattr("nao.estimators.empirical_bayes.UNKNOWNS", 23)
    _, contexts = draw(300, 6, dimension=8, rank=2, noise_std=0.05)
    with pytest.raises(NotComputable, match="2 directions of A are 24 unknowns, more than the 23"):
        fit_mixed_model(contexts, rank=2)

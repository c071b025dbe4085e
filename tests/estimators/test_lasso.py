import numpy as np
from sklearn.linear_model import LassoCV

from nao.analysis.metrics import rmse
from nao.estimators.lasso import SHARES, Lasso, fit_lasso
from nao.estimators.ridge import ridge
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import draw_problem, sample_contexts


def sparse(role: str, count: int):
    values = {"dimension": 20, "prior": {"kind": "sparse", "nonzeros": 2}, "noise": {"std": 0.1}}
    problem = draw_problem(ProblemSpec.model_validate(values), 0)
    return sample_contexts(problem, 10, count, stream(0, role))


def test_estimates_minimise_the_objective(draw):
    """0 is a subgradient: |Xᵀ(Y − Xŵ)|/n ≤ α, with equality and the sign of ŵ where ŵ ≠ 0."""
    _, contexts = draw(10, 6)
    w_hat = Lasso(0.2).estimate(contexts)
    for x, y, w in zip(contexts.x, contexts.y, w_hat, strict=True):
        alpha = 0.2 * np.abs(x.T @ y).max() / 6
        gradient = x.T @ (y - x @ w) / 6
        assert np.all(np.abs(gradient) <= 1.05 * alpha)
        np.testing.assert_allclose(gradient[w != 0], alpha * np.sign(w[w != 0]), rtol=0.05)
        assert 0 < np.count_nonzero(w) <= 6


def test_the_common_share_does_as_well_as_a_search_in_each_context():
    training, test = sparse("train", 200), sparse("test", 30)
    fitted = fit_lasso(training)
    assert fitted.share in SHARES
    own = [
        LassoCV(cv=5, alphas=25, fit_intercept=False, max_iter=5000).fit(x, y).coef_
        for x, y in zip(test.x, test.y, strict=True)
    ]
    assert test.w is not None
    ours = rmse(fitted.estimate(test), test.w)
    assert ours < 1.1 * rmse(np.array(own), test.w)
    assert ours < 0.5 * rmse(ridge(test.x, test.y), test.w)  # where weights are sparse it is right


def test_no_signal_and_a_single_row(draw):
    _, contexts = draw(5, 1)
    fitted = fit_lasso(contexts)
    assert np.isfinite(fitted.estimate(contexts)).all()
    contexts.y[:] = 0
    np.testing.assert_array_equal(fitted.estimate(contexts), 0)

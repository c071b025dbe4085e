"""The table of recovered priors."""

import numpy as np

from nao.analysis.evaluation import Estimates
from nao.analysis.prior import corrected_prior
from nao.analysis.recovery import tabulate_recovered
from nao.tasks.problems import draw_problem, sample_contexts
from tests.laws import problem_spec


def test_truth_then_raw_and_corrected_of_every_replicate():
    problem = draw_problem(problem_spec(4, rank=1, noise_std=0.2), seed=5)
    contexts = sample_contexts(problem, 3, 60, np.random.default_rng(0))
    assert contexts.w is not None
    w_hat = np.stack([contexts.w, np.full_like(contexts.w, np.nan)])
    table = tabulate_recovered(Estimates(w_hat, (2, 3)), contexts.x, problem)
    assert table["kind"].tolist() == ["true", "raw", "corrected", "raw", "corrected"]
    assert table["replicate"].fillna(-1).tolist() == [-1, 2, 2, 3, 3]
    true, raw, corrected, failed = (table.iloc[i] for i in range(4))
    np.testing.assert_allclose(true["covariance"], problem.prior_covariance.ravel(), atol=1e-14)
    assert true["rank"] == 1
    np.testing.assert_allclose(raw["mean"], contexts.w.mean(axis=0))
    np.testing.assert_allclose(raw["covariance"], np.cov(contexts.w, rowvar=False).ravel())
    expected = corrected_prior(contexts.w, contexts.x, 0.2)
    np.testing.assert_array_equal(corrected["covariance"], expected.covariance.ravel())
    np.testing.assert_array_equal(corrected["eigenvalues"], expected.eigenvalues)
    assert np.isnan(failed["covariance"]).all()
    assert len(failed["covariance"]) == 16
    assert np.isnan(failed["mean"]).all()
    assert table["rank"].isna().tolist() == [False, False, False, True, True]

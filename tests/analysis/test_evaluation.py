"""Scores and estimates as tables: nothing lost on the way to disk, failures kept as NaN."""

import numpy as np
import pytest

from nao.analysis.evaluation import (
    DEEPEST,
    SCORES,
    Estimates,
    read_estimates,
    score_estimates,
    score_theory,
    write_estimates,
    write_table,
)
from nao.tasks.problems import Contexts, draw_problem, sample_contexts
from nao.theory.depth import polynomial_risk
from nao.theory.oracle_law import oracle_law
from nao.theory.posterior import bayes_risk
from tests.laws import problem_spec


@pytest.fixture
def problem():
    return draw_problem(problem_spec(5), seed=3)


@pytest.fixture
def test_contexts(problem):
    return sample_contexts(problem, 3, 40, np.random.default_rng(1))


def test_scores_of_each_replicate(test_contexts):
    w = test_contexts.w
    w_hat = np.stack([w, w + 0.5, np.full_like(w, np.nan)])
    scores = score_estimates(
        Estimates(w_hat, (0, 1, 4)), test_contexts, "nao", "transformer", "misfit", 7
    )
    assert scores.dtypes.astype(str).to_dict() == {
        name: kind if kind != "string" else str(scores[name].dtype) for name, kind in SCORES.items()
    }
    rmse = scores[scores["metric"] == "rmse"].set_index("replicate")["score"]
    np.testing.assert_allclose(rmse[[0, 1]], [0, 0.5 * np.sqrt(5)])
    assert np.isnan(rmse[4])
    relative = scores[scores["metric"] == "relative_rmse"].set_index("replicate")["score"]
    np.testing.assert_allclose(relative[1], rmse[1] / np.sqrt((w**2).sum(1).mean()))
    misfit = scores[scores["metric"] == "misfit"].set_index("replicate")["score"]
    residual = test_contexts.y - np.einsum("bnd,bd->bn", test_contexts.x, w)
    np.testing.assert_allclose(misfit[0], (residual**2).mean())
    assert len(scores) == 12
    assert set(scores["objective"]) == {"misfit"}
    assert set(scores["layers"]) == {7}


def test_an_estimator_without_replicates(test_contexts):
    scores = score_estimates(Estimates(test_contexts.w[None], (None,)), test_contexts, "ridge")
    assert scores["replicate"].isna().all()
    assert scores["objective"].isna().all()
    assert len(scores) == 4


@pytest.mark.parametrize("condition", [1, 10])
def test_norms_that_differ_have_scores_of_their_own(condition):
    problem = draw_problem(problem_spec(5, condition=float(condition)), seed=3)
    test = sample_contexts(problem, 3, 40, np.random.default_rng(1))
    assert test.w is not None
    w_hat = test.w + np.arange(5)
    scores = score_estimates(
        Estimates(w_hat[None], (None,)),
        test,
        "ridge",
        prefix="own_",
        design_covariance=problem.design_covariance,
    ).set_index("metric")["score"]
    if condition == 1:
        assert set(scores.index) == {
            f"own_{name}" for name in ("rmse", "relative_rmse", "median_error", "misfit")
        }
        return
    deviation, sigma = w_hat - test.w, problem.design_covariance
    prediction = np.einsum("bd,de,be->b", deviation, sigma, deviation)
    np.testing.assert_allclose(scores["own_prediction_rmse"] ** 2, prediction.mean())
    seen = np.diag(sigma) ** 0.5 / (np.diag(sigma) ** 0.5).mean()
    np.testing.assert_allclose(scores["own_rmse_rho"] ** 2, (deviation**2 @ seen).mean())


def test_scores_need_w(test_contexts):
    blind = Contexts(test_contexts.x, test_contexts.y)
    with pytest.raises(ValueError, match="read their column w"):
        score_estimates(Estimates(test_contexts.w[None], (None,)), blind, "ridge")


def test_theory_is_a_root_mean_over_the_designs(problem, test_contexts):
    table = score_theory(problem, test_contexts, "oracle_ridge")
    scores = table[table["layers"].isna()].set_index("metric")["score"]
    risks = bayes_risk(problem, test_contexts.x)
    np.testing.assert_allclose(scores["expected_rmse"] ** 2, risks.mean())
    assert scores["rmse_bound"] >= scores["expected_rmse"] > scores["rmse_floor"] > 0
    np.testing.assert_allclose(
        scores["oracle_law"] ** 2, oracle_law(problem, test_contexts.x.shape[1])
    )


def test_the_best_polynomial_stands_once_for_every_depth(problem, test_contexts):
    table = score_theory(problem, test_contexts, "oracle_ridge")
    least = table[table["metric"] == "polynomial_rmse"]
    assert list(least["layers"]) == list(range(1, DEEPEST + 1))
    exact = [polynomial_risk(problem, test_contexts.x, int(L)) for L in least["layers"]]
    np.testing.assert_allclose(least["score"] ** 2, exact)


@pytest.mark.parametrize("replicates", [(None,), (0,), (3, 4, 5)])
def test_estimates_return_from_disk(tmp_path, replicates):
    w_hat = np.random.default_rng(2).standard_normal((len(replicates), 7, 3)).astype(np.float32)
    write_estimates(tmp_path / "estimates.parquet", Estimates(w_hat, replicates))
    read = read_estimates(tmp_path / "estimates.parquet")
    assert read.replicates == replicates
    np.testing.assert_array_equal(read.w_hat, w_hat)


def test_equal_tables_give_equal_bytes(tmp_path, test_contexts):
    scores = score_estimates(Estimates(test_contexts.w[None], (None,)), test_contexts, "ridge")
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", scores.copy())
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()

import numpy as np
import pandas as pd
import pytest

from nao.analysis.evaluation import write_table
from nao.analysis.tables import COLUMNS, fitted_at, in_scaling_regime, tabulate, tabulate_priors
from nao.plan import Experiment
from tests.evaluated import read_prior, read_scores, reader, smoke_plan, smoke_tables

EXPERIMENTS = sorted(smoke_plan().experiments)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_score_of_every_source_stands_in_the_table_once(name):
    plan, table = smoke_plan(), smoke_tables()[name]
    rows_told = 0
    for point in plan.experiments[name].points:
        at_point = table if point.value is None else table[table["value"] == point.value]
        if point.setting:
            at_point = at_point[at_point["setting"] == point.setting]
        elsewhere = None if point.dataset == point.fitted else point.dataset
        sources = [(each, point.fitted) for each in plan.experiments[name].baselines]
        for estimator, source in (*sources, *point.runs.items()):
            stored = reader(name)(estimator, source, elsewhere)
            of_source = at_point["source"] == source
            rows = at_point[of_source & (at_point["estimator"] == estimator)]
            pd.testing.assert_frame_equal(
                rows[list(stored)].reset_index(drop=True), stored.reset_index(drop=True)
            )
            rows_told += len(stored)
    assert len(table) == rows_told


def test_what_is_tested_elsewhere_was_fitted_at_the_base_point():
    plan, table = smoke_plan(), smoke_tables()["shifted_noise"]
    (base,) = plan.experiments["prior"].points
    assert set(table["source"]) <= {base.dataset, *base.runs.values(), *plan.runs}
    oracle = table[(table["estimator"] == "oracle_ridge") & (table["metric"] == "rmse")]
    told = smoke_tables()["noise"]
    told = told[(told["estimator"] == "oracle_ridge") & (told["metric"] == "rmse")]
    both = oracle.merge(told, on="value", suffixes=("", "_told"))
    shifted = both["value"] != 0.1
    assert (both["score"][~shifted] == both["score_told"][~shifted]).all()
    assert (both["score"][shifted] > both["score_told"][shifted]).all()


def test_where_all_were_fitted_is_told_of_a_sweep_that_moves_the_tests_alone():
    tables = smoke_tables()
    homes = {"noise": 0.1, "condition": 1, "task_dimension": 1, "subspace": 0}
    assert {name: fitted_at(tables[f"shifted_{name}"]) for name in homes} == homes
    assert fitted_at(tables["noise"]) is None
    elsewhere = tables["shifted_noise"]
    assert fitted_at(elsewhere[elsewhere["value"] != 0.1]) is None


def test_the_columns_are_the_documented_ones_and_survive_parquet(tmp_path):
    table = smoke_tables()["noise"]
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == COLUMNS
    write_table(tmp_path / "noise.parquet", table)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "noise.parquet"), table, check_dtype=False
    )


def test_n_and_r_w_are_those_of_the_point():
    lengths = smoke_tables()["context_length"]
    assert (lengths["context_length"] == lengths["value"]).all()
    ranks = smoke_tables()["task_dimension"]
    assert (ranks["task_dimension"] == ranks["value"]).all()
    expected = ranks["task_dimension"] < ranks["context_length"] / 2
    assert (in_scaling_regime(ranks) == expected).all()
    assert expected.any()
    assert not expected.all()


def test_a_failed_replicate_keeps_its_rows():
    plan = smoke_plan()

    def read(estimator: str, source: str, elsewhere: str | None) -> pd.DataFrame:
        scores = read_scores(estimator, source)
        failed = (scores["replicate"] == 1) & scores["model"].notna()
        return scores.assign(score=scores["score"].mask(failed.fillna(False)))

    table = tabulate("noise", plan.experiments["noise"], plan.datasets, read)
    trained = table[table["model"].notna()]
    assert len(table) == len(smoke_tables()["noise"])
    assert (trained["score"].isna() == (trained["replicate"] == 1)).all()


def test_a_foreign_file_is_named_with_what_it_lacks():
    plan = smoke_plan()
    with pytest.raises(ValueError, match=r"scores of ridge, .* have no column score: .*make it"):
        tabulate(
            "noise",
            plan.experiments["noise"],
            plan.datasets,
            lambda *source: read_scores(*source).drop(columns="score"),
        )
    with pytest.raises(ValueError, match=r"prior of .* have no column kind"):
        tabulate_priors(
            "prior",
            plan.experiments["prior"],
            plan.runs,
            lambda run: read_prior(run).drop(columns="kind"),
        )


def test_priors_carry_the_run_they_are_from(tmp_path):
    plan, table = smoke_plan(), smoke_tables()["prior_moments"]
    (point,) = plan.experiments["prior"].points
    assert set(table["source"]) == set(point.runs.values())
    for run, rows in table.groupby("source"):
        spec = plan.runs[str(run)]
        assert set(rows["objective"]) == {spec.training.objective}
        assert set(rows["estimator"]) == {spec.learner}
        assert set(rows["model"]) == {spec.model.kind}
        assert set(rows["test_contexts"]) == {spec.dataset.test_contexts}
        stored = read_prior(str(run))
        assert list(rows["kind"]) == list(stored["kind"])
        np.testing.assert_array_equal(list(rows["mean"]), list(stored["mean"]))
    write_table(tmp_path / "prior_moments.parquet", table)
    back = pd.read_parquet(tmp_path / "prior_moments.parquet")
    np.testing.assert_array_equal(list(back["covariance"]), list(table["covariance"]))


def test_the_setting_of_a_point_stands_in_the_table():
    plan = smoke_plan()
    (point,) = plan.experiments["prior"].points
    named = Experiment(
        axis=None,
        baselines=("ridge",),
        points=(point.model_copy(update={"setting": "integral"}),),
    )
    table = tabulate("operators", named, plan.datasets, read_scores)
    assert set(table["setting"]) == {"integral"}
    assert table["value"].isna().all()

import numpy as np
import pytest
from matplotlib.figure import Figure

from nao.figures.curves import curves, draw_curves, draw_steps, draw_theory, scale_log
from tests.evaluated import smoke_looks, smoke_plan, smoke_tables
from tests.figures.failures import with_failures


def test_a_curve_sums_up_its_replicates():
    table = smoke_tables()["noise"]
    (curve,) = (each for each in curves(table, smoke_looks()) if each.look.label == "NAO misfit")
    chosen = table[(table["estimator"] == "misfit") & (table["metric"] == "rmse")]
    for value, point in curve.points.iterrows():
        scores = chosen.loc[chosen["value"] == value, "score"].to_numpy(float)
        assert point["median"] == pytest.approx(np.median(scores))
        assert (point["min"], point["max"]) == (scores.min(), scores.max())
        assert point["count"] == point["size"] == len(scores)


def test_curves_stand_from_the_weakest_to_the_oracle():
    table, looks = smoke_tables()["contexts"], smoke_looks()
    labels = [curve.look.label for curve in curves(table, looks)]
    learners = list(smoke_plan().experiments["contexts"].points[0].runs)
    assert labels == ["RE", "TRE", "EM", *(looks[name].label for name in learners), "ORE"]


def test_two_learners_of_one_objective_are_two_curves():
    table = smoke_tables()["contexts"]
    table = table[table["estimator"].isin(["paper", "paper_permuted"])]
    one, other = curves(table, smoke_looks())
    assert set(one.rows["objective"]) == set(other.rows["objective"]) == {"misfit"}
    assert len(one.rows) == len(other.rows) == len(table[table["metric"] == "rmse"]) / 2
    assert one.look != other.look


def test_symmetrised_scores_are_the_same_estimators_dotted_and_never_crossed():
    table = with_failures(smoke_tables())["noise"]
    drawn = curves(table, smoke_looks(), "symmetrised_rmse")
    assert {each.look.label for each in drawn} >= {"NAO misfit, symmetrised"}
    axes = Figure().subplots()
    draw_curves(axes, drawn)
    assert not axes.texts


def test_failed_trainings_are_crossed_and_counted_not_dropped():
    table = with_failures(smoke_tables())["noise"]
    axes = Figure().subplots()
    draw_curves(axes, curves(table, smoke_looks()))
    shares = sorted(text.get_text() for text in axes.texts)
    assert shares == ["0/2", "1/2", "1/2"]
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    heights = [float(np.asarray(cross.get_ydata())[0]) for cross in crosses]
    assert len(crosses) == 3
    assert min(heights) > 0.8
    assert len(set(heights)) == 2, "two crosses at one value stand one below the other"
    (heldout,) = (line for line in axes.lines if line.get_marker() == "s")
    assert np.isnan(np.asarray(heldout.get_ydata(), float)).tolist() == [True, False]


def test_an_infinite_bound_is_left_out_and_moves_no_axis():
    table = smoke_tables()["task_dimension"]
    bound = table[table["metric"] == "rmse_bound"]
    assert np.isinf(bound["score"]).any()
    axes = Figure().subplots()
    draw_curves(axes, curves(table, smoke_looks()))
    scale_log(axes, table["value"])
    before = axes.get_ylim()
    draw_theory(axes, table, "rmse_bound")
    assert axes.get_ylim() == before
    expected, drawn = axes.lines[-2:]
    assert np.isfinite(np.asarray(expected.get_ydata(), float)).all()
    assert np.isnan(np.asarray(drawn.get_ydata(), float)).tolist() == [False, True]


def test_every_value_has_a_tick_and_a_label_where_there_is_room():
    axes = Figure().subplots()
    axes.plot([2, 60], [1, 2])
    values = [2, 5, 10, 20, 30, 40, 50, 55, 60]
    scale_log(axes, values)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert list(axes.get_xticks()) == values
    assert labels == ["2", "5", "10", "20", "30", "40", "50", "", "60"]


def test_panels_that_share_an_axis_are_scaled_once():
    first, second = Figure().subplots(1, 2, sharey=True)
    first.plot([1, 2], [1, 2])
    second.plot([1, 2], [10, 100])
    scale_log(first, [1, 2])
    limits = first.get_ylim()
    assert limits[1] > 100, "the second panel's curves are inside"
    scale_log(second, [1, 2])
    assert second.get_ylim() == limits


def test_steps_are_drawn_for_every_depth_of_a_learner():
    table = smoke_tables()["training_length"]
    axes = Figure().subplots()
    draw_curves(axes, curves(table, smoke_looks()))
    count = len(axes.lines)
    draw_steps(axes, table)
    depths = sorted(set(table.loc[table["model"].notna(), "layers"]))
    assert len(depths) > 1
    assert [text.get_text() for text in axes.texts] == [f"$L = {depth}$" for depth in depths]
    oracle = table[table["metric"] == "expected_rmse"]["score"].iloc[0]
    heights = [np.asarray(line.get_ydata(), float)[0] for line in axes.lines[count:]]
    assert heights == sorted(heights, reverse=True), "more steps reach further"
    assert heights[-1] > oracle

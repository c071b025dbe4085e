import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from nao.figures import draw
from nao.figures.curves import curves
from nao.figures.ratios import draw_ratios, over_oracle
from tests.evaluated import smoke_looks, smoke_tables
from tests.figures.failures import with_failures


def test_errors_are_divided_by_the_oracles_at_the_same_value():
    table = smoke_tables()["noise"]
    ratios = over_oracle(table)
    assert (
        {"rmse", "symmetrised_rmse", "expected_rmse"}
        <= set(ratios["metric"])
        < set(table["metric"])
    )
    for row in (ratios.index[0], ratios.index[-1]):
        one = table.loc[row]
        chosen = (table["value"] == one["value"]) & (table["estimator"] == "oracle_ridge")
        oracle = table.loc[chosen & (table["metric"] == "rmse"), "score"]
        assert ratios.loc[row, "score"] == one["score"] / float(oracle.iloc[0])
    oracle = ratios[(ratios["estimator"] == "oracle_ridge") & (ratios["metric"] == "rmse")]
    assert (oracle["score"] == 1).all()


def test_the_base_point_alone_has_an_oracle_too():
    table = smoke_tables()["recipe_variants"]
    assert table["value"].isna().all()
    ratios = over_oracle(table)
    assert ratios["score"].notna().all()
    assert ratios.loc[ratios["estimator"] == "oracle_ridge", "score"].min() == 1


def test_the_axis_is_the_trained_estimators_and_the_rest_is_named():
    ratios = over_oracle(smoke_tables()["training_length"])
    drawn = curves(ratios, smoke_looks())
    axes = Figure().subplots()
    draw_ratios(axes, drawn)
    trained = ratios[ratios["model"].notna() & (ratios["metric"] == "rmse")]["score"]
    low, high = axes.get_ylim()
    assert low < 1 < trained.max() < high < 1.1 * trained.max()
    medians = {curve.look.label: curve.points["median"].median() for curve in drawn}
    assert medians["TRE"] > high
    named = axes.get_title(loc="right")
    assert named == f"↑ RE {medians['RE']:.3g}, TRE {medians['TRE']:.3g}"


def test_an_axis_on_which_nothing_finished_still_shows_the_oracle():
    table = over_oracle(smoke_tables()["training_length"])
    table["score"] = table["score"].mask(table["model"].notna(), np.nan)
    axes = Figure().subplots()
    draw_ratios(axes, curves(table, smoke_looks()))
    low, high = axes.get_ylim()
    assert low < 1 < high < 2


@pytest.mark.parametrize("change", [dict, with_failures])
@pytest.mark.parametrize("name", ["fig7", "recipe"])
def test_what_matters_is_not_at_the_foot_of_its_panel(name, change):
    figure = draw(name, change(smoke_tables()), smoke_looks())
    panels = [axes for axes in figure.axes if axes.get_ylabel().endswith("over ORE's")]
    assert panels
    for axes in panels:
        low, high = np.log(axes.get_ylim())
        lines = [np.asarray(line.get_ydata(), float) for line in axes.lines if line.get_gid()]
        reached = pd.Series(np.concatenate(lines)).dropna()
        inside = np.log(reached[reached.between(*axes.get_ylim())])
        assert (inside.max() - low) / (high - low) > 0.2
        assert len(axes.get_yticks()) >= 2

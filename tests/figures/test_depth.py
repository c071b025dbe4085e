import numpy as np
import pytest

from nao.figures import draw
from nao.figures.curves import STEPS
from tests.evaluated import smoke_looks, smoke_tables


def test_a_panel_a_setting_each_over_its_own_oracle():
    table = smoke_tables()["depth"]
    panels = draw("fig4", smoke_tables(), smoke_looks()).axes
    settings = list(dict.fromkeys(table["setting"]))
    assert len(panels) == len(settings) == 2
    for axes, setting in zip(panels, settings, strict=True):
        own = table[(table["setting"] == setting) & (table["metric"] == "rmse")]
        assert f"$r_w = {own['task_dimension'].iloc[0]}$" in axes.get_title(loc="left")
        scores = own.groupby("estimator")["score"].median()
        heights = {
            str(line.get_marker()): np.asarray(line.get_ydata(), float) for line in axes.lines
        }
        np.testing.assert_allclose(heights["D"], 1)
        np.testing.assert_allclose(heights["v"], scores["ridge"] / scores["oracle_ridge"])


def test_the_steps_are_the_polynomials_of_as_many_layers():
    table = smoke_tables()["depth"]
    axes = draw("fig4", smoke_tables(), smoke_looks()).axes[1]
    (steps,) = (line for line in axes.lines if line.get_linewidth() == STEPS["lw"])
    own = table[(table["setting"] == "high") & (table["estimator"] == "oracle_ridge")]
    oracle = own.loc[own["metric"] == "rmse", "score"].iloc[0]
    for layers, height in np.asarray(steps.get_xydata(), float):
        chosen = (own["metric"] == "polynomial_rmse") & (own["layers"] == layers)
        assert height == pytest.approx(own.loc[chosen, "score"].iloc[0] / oracle)
    assert list(np.asarray(steps.get_xdata(), float)) == [2, 3]

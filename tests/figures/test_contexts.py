import numpy as np

from nao.figures.contexts import draw
from tests.evaluated import smoke_tables


def test_a_panel_for_each_objective_beside_the_classical_estimators():
    left, right = draw(smoke_tables()).axes[:2]
    markers = [{str(line.get_marker()) for line in axes.lines} - {"None"} for axes in (left, right)]
    assert markers == [{"v", "^", "D", "o", "1"}, {"v", "^", "D", "s", "2"}]
    for axes in (left, right):
        fills = [
            line.get_markerfacecolor() for line in axes.lines if line.get_marker() in ("o", "s")
        ]
        assert len(fills) == 2
        assert "white" in fills


def test_the_right_scale_counts_multiples_of_the_oracle():
    tables = smoke_tables()
    figure = draw(tables)
    figure.draw_without_rendering()
    table = tables["contexts"]
    oracle = table[(table["estimator"] == "oracle_ridge") & (table["metric"] == "rmse")]["score"]
    panel = figure.axes[1]
    (ratio,) = panel.child_axes
    np.testing.assert_allclose(ratio.get_ylim(), np.array(panel.get_ylim()) / oracle.median())

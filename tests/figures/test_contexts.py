import numpy as np

from nao.figures.contexts import draw
from tests.evaluated import smoke_looks, smoke_plan, smoke_tables


def test_a_panel_for_each_objective_beside_the_classical_estimators():
    left, right = draw(smoke_tables(), smoke_looks()).axes[:2]
    runs = [smoke_plan().runs[run] for run in _runs("contexts")]
    for axes, objective in ((left, "misfit"), (right, "heldout")):
        expected = {smoke_looks()[run.learner].marker for run in runs if _is(run, objective)}
        markers = {str(line.get_marker()) for line in axes.lines} - {"None"}
        assert markers == expected | {"v", "^", "P", "D"}


def _runs(experiment):
    return smoke_plan().experiments[experiment].points[0].runs.values()


def _is(run, objective):
    return run.training.objective == objective


def test_the_right_scale_counts_multiples_of_the_oracle():
    tables = smoke_tables()
    figure = draw(tables, smoke_looks())
    figure.draw_without_rendering()
    table = tables["contexts"]
    oracle = table[(table["estimator"] == "oracle_ridge") & (table["metric"] == "rmse")]["score"]
    panel = figure.axes[1]
    (ratio,) = panel.child_axes
    np.testing.assert_allclose(ratio.get_ylim(), np.array(panel.get_ylim()) / oracle.median())

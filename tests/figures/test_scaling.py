import numpy as np
import pytest
from matplotlib.patches import Rectangle

from nao.analysis.sweeps import exponent, log_scores
from nao.analysis.tables import in_scaling_regime
from nao.figures import FIGURES, draw
from nao.figures.curves import LAW
from tests.evaluated import smoke_looks, smoke_plan, smoke_tables


def test_each_panel_shows_its_sweep():
    figure = draw("fig3", smoke_tables(), smoke_looks())
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    for axes, experiment in zip(panels, FIGURES["fig3"].tables, strict=True):
        points = smoke_plan().experiments[experiment].points
        values = np.array([point.value for point in points], float)
        for line in axes.lines:
            if line.get_marker() in ("v", "^", "<", ">", "o", "s", "D"):
                np.testing.assert_allclose(np.asarray(line.get_xdata(), float), values)


def test_the_panel_of_r_w_marks_n_and_what_the_fit_leaves_out():
    figure = draw("fig3", smoke_tables(), smoke_looks())
    (axes,) = (axes for axes in figure.axes if "(b)" in axes.get_title(loc="left"))
    n = smoke_tables()["task_dimension"]["context_length"].iloc[0]
    marks = [line for line in axes.lines if list(np.ravel(line.get_xdata())) == [n, n]]
    assert len(marks) == 1
    assert "$r_w = n$" in [text.get_text() for text in axes.texts]
    (region,) = axes.patches
    assert isinstance(region, Rectangle)
    left, right = region.get_x(), region.get_x() + region.get_width()
    table = smoke_tables()["task_dimension"]
    inside = in_scaling_regime(table)
    assert table.loc[inside, "value"].max() < left
    assert left < table.loc[~inside, "value"].min() < right


def test_the_printed_slopes_are_those_of_the_table():
    tables = smoke_tables()
    figure = draw("fig3", tables, smoke_looks())
    written = [
        [text.get_text().replace("−", "-") for text in axes.texts]
        for axes in figure.axes
        if not axes.axison
    ]
    assert len(written) == len(FIGURES["fig3"].tables)
    table = tables["noise"]
    oracle = table[(table["estimator"] == "oracle_ridge") & (table["metric"] == "rmse")]
    fit = exponent(log_scores(oracle[in_scaling_regime(oracle)]))
    assert f"{fit.number:.2f}" in written[0]
    heldout = table[(table["estimator"] == "heldout") & (table["metric"] == "rmse")]
    fit = exponent(log_scores(heldout[in_scaling_regime(heldout)]))
    for number in (fit.number, fit.low, fit.high):
        assert f"{number:.2f}" in written[0]
    assert fit.number == pytest.approx(1, abs=0.1), "empirical Bayes is near the oracle here"


def test_the_closed_form_is_drawn_through_r_w_of_n_and_more():
    figure = draw("fig3", smoke_tables(), smoke_looks())
    drawn = {}
    for axes in figure.axes:
        title = axes.get_title(loc="left")
        thin = (line for line in axes.lines if line.get_linewidth() == LAW["lw"])
        drawn |= {title[:3]: line for line in thin if line.get_color() == LAW["color"]}
    assert set(drawn) == {"(b)", "(d)"}
    table = smoke_tables()["task_dimension"]
    law = table[table["metric"] == "oracle_law"].set_index("value")["score"]
    np.testing.assert_allclose(np.asarray(drawn["(b)"].get_ydata(), float), law)
    assert (law.index >= table["context_length"].iloc[0]).any()

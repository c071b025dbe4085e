import numpy as np
import pytest

from nao.figures import draw
from nao.figures.marks import marks
from tests.evaluated import smoke_looks, smoke_plan, smoke_tables
from tests.figures.failures import with_failures


def labels(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_a_row_each_under_the_network_that_it_changes_and_rivals_below():
    paper, ours, rivals = draw("fig6", smoke_tables(), smoke_looks()).axes
    assert labels(paper)[0] == "NAO paper"
    assert labels(ours)[0] == "NAO held-out"
    runs = smoke_plan().experiments["ablations"].points[0].runs
    kinds = [smoke_plan().runs[run].model.kind for run in runs.values()]
    assert len(labels(paper)) + len(labels(ours)) == kinds.count("transformer")
    assert set(labels(rivals)) == {
        *("TRE", "TRE debiased", "EM", "ORE", "UPG held-out", "RTT held-out"),
        *("NAO paper", "NAO held-out"),
    }


def test_a_dot_is_one_replicate_after_the_longest_training_over_the_oracle():
    tables = smoke_tables()
    table = tables["ablations"]
    last = table[table["value"] == table["value"].max()]
    chosen = (last["estimator"] == "oracle_ridge") & (last["metric"] == "rmse")
    oracle = float(last.loc[chosen, "score"].iloc[0])
    entries = marks(draw("fig6", tables, smoke_looks()))
    (softmax,) = (each for each in entries if each["label"] == "paper: softmax attention, random")
    for mark in softmax["marks"]:
        (row,) = mark["rows"]
        shown = table.loc[[row]]
        assert shown["value"].tolist() == [40]
        assert mark["x"] == pytest.approx(float(shown["score"].iloc[0]) / oracle)


def test_ridge_is_marked_in_every_panel_and_failures_in_their_row():
    figure = draw("fig6", with_failures(smoke_tables()), smoke_looks())
    table = smoke_tables()["ablations"]
    last = table[(table["value"] == 40) & (table["metric"] == "rmse")]
    score = last.groupby("estimator")["score"].median()
    for axes in figure.axes:
        lines = [np.ravel(line.get_xdata()) for line in axes.lines if line.get_linestyle() == ":"]
        np.testing.assert_allclose(lines[0], score["ridge"] / score["oracle_ridge"])

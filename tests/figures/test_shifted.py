import numpy as np
import pytest

from nao.figures import draw
from nao.figures.curves import MARK, THIN
from nao.figures.marks import marks
from nao.figures.shifted import PANELS
from tests.evaluated import smoke_looks, smoke_tables


def errors(table, estimator):
    chosen = (table["estimator"] == estimator) & (table["metric"] == "rmse")
    return table[chosen].groupby("value")["score"].median()


@pytest.fixture(scope="module")
def panels():
    figure = draw("fig10", smoke_tables(), smoke_looks())
    return dict(zip(PANELS, figure.axes, strict=True))


def diamonds(axes, filled):
    found = [line for line in axes.lines if line.get_marker() == "D"]
    return [line for line in found if (line.get_markerfacecolor() != "white") == filled]


@pytest.mark.parametrize("name", [name for name, panel in PANELS.items() if panel.fitted_there])
def test_an_estimator_stands_between_two_oracles(panels, name):
    shifted, there = smoke_tables()[name], smoke_tables()[str(PANELS[name].fitted_there)]
    (outdated,), (told,) = (diamonds(panels[name], filled) for filled in (False, True))
    np.testing.assert_allclose(outdated.get_ydata(), errors(shifted, "oracle_ridge"))
    np.testing.assert_allclose(told.get_ydata(), errors(there, "oracle_ridge"))
    first, last = (np.asarray(line.get_ydata(), float) for line in (told, outdated))
    assert (first <= last * 1.02).all(), "who is told the truth is no worse but by chance"


def test_turned_directions_leave_the_oracle_where_it_was(panels):
    axes, table = panels["shifted_subspace"], smoke_tables()["shifted_subspace"]
    assert not diamonds(axes, filled=True)
    level = errors(table, "oracle_ridge").loc[0]
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    assert any(len(line) == 2 and (line == level).all() for line in drawn)
    assert axes.get_xscale() == "linear", "0 degrees have no place on a logarithmic axis"


def test_the_place_of_training_is_marked(panels):
    for name, home in zip(PANELS, (0.1, 1, 1, 0), strict=True):
        dashed = [line for line in panels[name].lines if line.get_linewidth() == MARK["lw"] != THIN]
        assert [np.unique(line.get_xdata()).tolist() for line in dashed] == [[home]]


def test_thin_lines_are_the_same_learners_trained_there():
    tables = smoke_tables()
    found = marks(draw("fig10", tables, smoke_looks()))
    there = [entry for entry in found if entry["label"].endswith(", trained there")]
    sweeps = [panel.fitted_there for panel in PANELS.values() if panel.fitted_there]
    assert {entry["table"] for entry in there} == set(sweeps)
    for entry in there:
        table = tables[entry["table"]]
        for mark in entry["marks"]:
            own = table.loc[mark["rows"]]
            assert set(own["value"]) == {mark["x"]}
            assert mark["y"] == pytest.approx(own["score"].median())
            assert set(own["estimator"]) <= set(tables["shifted_noise"]["estimator"])

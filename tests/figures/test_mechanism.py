import numpy as np
import pytest

from nao.figures import draw
from nao.figures.marks import marks
from tests.evaluated import smoke_looks, smoke_tables
from tests.figures.failures import with_failures


def panels(figure):
    return {axes.get_title(loc="left")[:3]: axes for axes in figure.axes}


def test_a_line_is_the_median_of_its_layers():
    tables = smoke_tables()
    table = tables["training_length_mechanism"]
    entries = marks(draw("mechanism", tables, smoke_looks()))
    assert {entry["panel"][:3] for entry in entries} == {"(a)", "(b)", "(d)"}
    for entry in entries:
        for mark in entry["marks"]:
            own = table.loc[mark["rows"]]
            assert own["metric"].nunique() == own["estimator"].nunique() == 1
            assert mark["y"] == pytest.approx(own["score"].median())
            if entry["panel"][:3] in ("(a)", "(b)"):
                assert set(own["value"]) == {table["value"].max()}
                assert set(own["layer"]) == {mark["x"]}


def test_dots_stand_at_the_nearest_iterate():
    table = smoke_tables()["training_length_mechanism"]
    figure = draw("mechanism", smoke_tables(), smoke_looks())
    maps = [axes for axes in figure.axes if axes.images]
    names = ("gradient", "leapfrog", "newton")
    for axes, name in zip(maps, names, strict=True):
        (dots,) = axes.lines
        drawn = np.asarray(axes.images[0].get_array(), float)
        np.testing.assert_array_equal(dots.get_xdata(), drawn.argmin(1))
        own = table[(table["metric"] == "distance") & (table["against"] == name)]
        own = own[own["value"] == own["value"].max()]
        corner = own[(own["layer"] == 0) & (own["iteration"] == 0)]
        medians = corner.groupby("estimator")["score"].median()
        assert np.isclose(drawn[0, 0], medians).any()


def test_trainings_that_all_failed_are_said_to_have():
    tables = with_failures(smoke_tables())
    broken = tables["training_length_mechanism"].copy()
    broken.loc[broken["replicate"].notna(), "score"] = np.nan
    figure = draw("mechanism", tables | {"training_length_mechanism": broken}, smoke_looks())
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts.count("no training finished") == 3

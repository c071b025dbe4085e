import numpy as np
from matplotlib.patches import Rectangle

from nao.analysis.calibration import CALIBRATED
from nao.figures import draw
from nao.figures.marks import marks
from tests.evaluated import smoke_looks, smoke_tables
from tests.figures.failures import with_failures


def test_every_mark_stands_at_the_median_of_its_rows():
    tables = smoke_tables()
    entries = [
        each
        for each in marks(draw("fig5", tables, smoke_looks()))
        if "no answer" not in each["label"]
    ]
    assert {entry["table"] for entry in entries} == {
        "priors",
        "noise_laws",
        "noise_spread",
        "experts",
    }
    for entry in entries:
        if entry["y"] == "RMSE of ŵ":
            for mark in entry["marks"]:
                rows = tables[entry["table"]].loc[mark["rows"]]
                assert set(rows["metric"]) == {"rmse"}
                assert rows["setting"].nunique() == rows["estimator"].nunique() == 1
                np.testing.assert_allclose(mark["y"], rows["score"].median())


def test_what_has_no_answer_is_a_cross_that_says_why():
    entries = marks(draw("fig5", smoke_tables(), smoke_looks()))
    crosses = [entry for entry in entries if "no answer" in entry["label"]]
    # the uniform prior, and every law of the noise but the Gaussian
    assert len(crosses) == 1 + 3
    for entry in crosses:
        assert "posterior mean" in entry["label"]
        assert "has no form that can be computed" in entry["label"]


def test_failed_trainings_are_told_with_their_share():
    entries = marks(draw("fig5", with_failures(smoke_tables()), smoke_looks()))
    assert any("NAO held-out, 0/2 trained" in entry["label"] for entry in entries)


def test_calibration_is_posterior_over_true_within_the_band():
    tables = smoke_tables()
    figure = draw("fig5", tables, smoke_looks())
    (panel,) = (axes for axes in figure.axes if "calibration" in axes.get_title(loc="left"))
    (band,) = panel.patches
    assert isinstance(band, Rectangle)
    low, high = band.get_y(), band.get_y() + band.get_height()
    np.testing.assert_allclose([low, high], CALIBRATED)
    own = [entry for entry in marks(figure) if "calibration" in entry["panel"]]
    assert {entry["label"] for entry in own} >= {"EM", "ORE", "posterior mean", "MoR held-out"}
    assert "RE" not in {entry["label"] for entry in own}
    for mark in (mark for entry in own for mark in entry["marks"]):
        predicted = tables["priors"].loc[mark["rows"]]
        assert set(predicted["metric"]) == {"posterior_rmse"}
        table = tables["priors"]
        same = (table["estimator"] == predicted["estimator"].iloc[0]) & (
            table["setting"] == predicted["setting"].iloc[0]
        )
        true = table[same & (table["metric"] == "rmse")]["score"]
        ratios = predicted["score"].to_numpy() / true.to_numpy()
        np.testing.assert_allclose(mark["y"], np.median(ratios))


def test_experts_of_each_mixture_stand_in_a_panel_of_its_own():
    tables = smoke_tables()
    entries = [each for each in marks(draw("fig5", tables, smoke_looks()))]
    own = [entry for entry in entries if entry["table"] == "experts"]
    assert {entry["label"] for entry in own} == {"MoR held-out", "ORE", "posterior mean"}
    for entry in own:
        settings = {
            setting
            for mark in entry["marks"]
            for setting in tables["experts"].loc[mark["rows"], "setting"]
        }
        assert len(settings) == 1
        assert [mark["x"] for mark in entry["marks"]] == [16, 32]

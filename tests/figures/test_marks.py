"""Every mark is told where it is seen, and with the rows of the table that it shows."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nao.figures import FIGURES, draw, save
from nao.figures.marks import marks, plain, shows
from nao.figures.style import style
from tests.evaluated import smoke_looks, smoke_tables
from tests.figures.failures import with_failures


@pytest.mark.parametrize("name", ["fig2", "fig3"])
def test_a_mark_of_a_curve_is_the_median_of_its_rows(name):
    tables = smoke_tables()
    found = marks(draw(name, tables, smoke_looks()))
    assert found
    for entry in found:
        rows = tables[entry["table"]]
        for mark in entry["marks"]:
            own = rows.loc[mark["rows"]]
            assert own["estimator"].nunique() == own["metric"].nunique() == 1
            assert set(own["value"]) == {mark["x"]}
            assert mark["y"] == pytest.approx(own["score"].median())


@pytest.mark.parametrize("name", FIGURES)
def test_a_mark_stands_where_the_picture_has_its_ink(name, tmp_path):
    figure = draw(name, smoke_tables(), smoke_looks())
    found = marks(figure)
    save(figure, tmp_path / "figure.png")
    picture = np.asarray(Image.open(tmp_path / "figure.png").convert("L"), float)
    assert found
    for entry in found:
        for mark in entry["marks"]:
            left, top, width, height = mark["at"]
            assert 0 <= left <= left + width <= 1
            assert 0 <= top <= top + height <= 1
            row, column = (top + height / 2) * len(picture), (left + width / 2) * picture.shape[1]
            around = picture[round(row) - 4 : round(row) + 5, round(column) - 4 : round(column) + 5]
            assert around.min() < 220, (entry["panel"], entry["label"], mark)


def test_a_bar_is_told_by_the_coordinate_that_it_stands_for_and_its_height():
    tables = smoke_tables()
    found = marks(draw("fig1", tables, smoke_looks()))
    bars = [e["marks"][0] for e in found if e["label"] == "true" and e["panel"].startswith("(a)")]
    rows = tables["prior_moments"]
    mean = rows[rows["kind"] == "true"]["mean"].iloc[0]
    assert [bar["x"] for bar in bars] == list(range(1, len(mean) + 1))
    assert [bar["y"] for bar in bars] == pytest.approx(list(mean))


def test_a_map_is_told_where_its_frame_is_drawn(tmp_path):
    figure = draw("fig1", smoke_tables(), smoke_looks())
    found = [entry for entry in marks(figure) if entry["panel"] == "(c) covariance"]
    save(figure, tmp_path / "figure.pdf")  # which would lay it out anew
    save(figure, tmp_path / "figure.png")
    picture = np.asarray(Image.open(tmp_path / "figure.png").convert("L"), float)
    height, width = picture.shape
    told = sorted(entry["marks"][0]["at"][0] * width for entry in found)
    drawn = (axes.images[0].get_window_extent().x0 for axes in figure.axes if axes.images)
    assert told == pytest.approx(sorted(drawn), abs=0.1)  # pixels
    for entry in found:
        left, top, across, down = entry["marks"][0]["at"]
        columns = [round(width * edge) for edge in (left, left + across)]
        rows = [round(height * edge) for edge in (top, top + down)]
        inside = slice(rows[0] + 9, rows[1] - 9)
        for column in columns:  # a line of ink all along each edge
            assert picture[inside, column - 2 : column + 3].min(axis=1).max() < 60


def test_a_mark_is_a_fraction_from_the_top_left():
    with style():
        figure = Figure(figsize=(4, 2))
        axes = figure.add_axes((0.25, 0.25, 0.5, 0.5), xlim=(0, 10), ylim=(1, 100), yscale="log")
        axes.set(title="(a)  noise", xlabel=r"$\sigma_\varepsilon$", ylabel=r"RMSE of $\hat w$")
        (line,) = axes.plot([2.5, 5, 10], [10, np.nan, 100])
        shows(line, "NAO", "noise", [[3, 4], [5], [6]])
        axes.bar(5, 90, 2)
        shows(axes.patches[0], "true", "noise", [[7]])
    entries = json.loads(json.dumps(marks(figure)))
    curve, bar = sorted(entries, key=lambda entry: entry["label"])
    assert {**curve, "marks": None} == {
        **{"panel": "(a) noise", "x": "σ_ε", "y": "RMSE of ŵ", "label": "NAO", "table": "noise"},
        "marks": None,
    }
    assert curve["marks"] == [  # what is not finite is not drawn
        {"at": [0.375, 0.5, 0, 0], "x": 2.5, "y": 10, "rows": [3, 4]},
        {"at": [0.75, 0.25, 0, 0], "x": 10, "y": 100, "rows": [6]},
    ]
    (mark,) = bar["marks"]
    assert mark["at"] == pytest.approx([0.45, 0.2614, 0.1, 0.4886], abs=5e-3)


def test_the_prior_is_shown_by_the_rows_of_its_learner_and_kind():
    tables = smoke_tables()
    table = tables["prior_moments"]
    entries = marks(draw("fig1", tables, smoke_looks()))
    shown = {(each["panel"], each["label"]): each["marks"] for each in entries}
    own = table[(table["estimator"] == "heldout") & (table["kind"] == "raw")]
    means = shown["(a) prior mean w_0", "NAO held-out"]
    assert [mark["y"] for mark in means] == pytest.approx(np.median([*own["mean"]], axis=0))
    assert {tuple(mark["rows"]) for mark in means} == {tuple(own.index)}
    (first,) = shown["(c) covariance", "NAO held-out, raw"]
    assert first["rows"] == [own.sort_values("replicate").index[0]]
    assert min(first["at"][2:]) > 0.05  # a map is as large as it is drawn
    (true,) = shown["(c) covariance", "true"]
    assert set(table.loc[true["rows"], "kind"]) == {"true"}
    bars = [each for each in entries if each["label"] == "true" and "mean" in each["panel"]]
    assert len(bars) == len(table.loc[true["rows"][0], "mean"])
    assert {row for bar in bars for mark in bar["marks"] for row in mark["rows"]} == {*true["rows"]}


def test_a_dot_of_the_recipe_is_one_replicate():
    tables = smoke_tables()
    entries = marks(draw("recipe", tables, smoke_looks()))
    (adam,) = (each for each in entries if each["label"] == "Adam")
    rows = [row for mark in adam["marks"] for row in mark["rows"]]
    chosen = tables["recipe_variants"].loc[rows]
    assert set(chosen["estimator"]) == {"adam"}
    assert chosen["replicate"].tolist() == [1000, 1001]
    assert [mark["y"] for mark in adam["marks"]] == [None, None]  # its height is no number


def test_a_failed_training_is_marked_where_its_cross_stands():
    tables = with_failures(smoke_tables())
    crosses = [
        entry for entry in marks(draw("fig3", tables, smoke_looks())) if "trained" in entry["label"]
    ]
    assert crosses
    for entry in crosses:
        (mark,) = entry["marks"]
        assert tables[entry["table"]].loc[mark["rows"], "score"].isna().any()
        assert mark["y"] is None


def test_labels_are_told_without_markup():
    assert plain(r"condition number $\kappa(\Sigma_x)$") == "condition number κ(Σ_x)"
    assert plain(r"misfit, mean of $(X\hat w - Y)^2$") == "misfit, mean of (Xŵ - Y)²"
    assert plain("(a)  noise") == "(a) noise"
    assert plain("$\\nosuch$") == "nosuch"

import numpy as np

from nao.figures import draw
from nao.figures.operators import EXAMPLES, METRICS, SCORES
from tests.evaluated import smoke_looks, smoke_tables


def panels():
    return np.reshape(np.array(draw("fig8", smoke_tables(), smoke_looks()).axes), (-1, 5))


def test_a_row_an_operator_with_its_spectrum_above_the_noise():
    examples = smoke_tables()[EXAMPLES]
    grid = panels()
    titles = [axes.get_title(loc="left") for axes in grid[:, 0]]
    assert titles == ["(a)  integral", "(b)  nonlocal", "(c)  aggregation"]
    own = examples[examples["setting"] == "nonlocal_cosines"].set_index("kind")["values"]
    drawn = [np.asarray(line.get_ydata(), float) for line in grid[1, 0].lines]
    assert any(np.array_equal(each, own["design"]) for each in drawn)
    assert any(len(each) == 2 and each[0] == own["noise"][0] for each in drawn)


def test_the_kernel_is_phi_on_its_mesh():
    examples = smoke_tables()[EXAMPLES]
    true = examples[(examples["setting"] == "integral_bump") & (examples["kind"] == "true")].iloc[0]
    line = panels()[0, 2].lines[0]
    d = len(true["values"])
    np.testing.assert_allclose(line.get_xdata(), (np.arange(d) + 0.5) / d)
    np.testing.assert_allclose(line.get_ydata(), np.sqrt(d) * np.asarray(true["values"]))


def test_every_estimator_has_a_mark_for_each_prior_and_the_oracle_a_line():
    scores = smoke_tables()[SCORES]
    for axes, metric in zip(panels()[2, 3:], METRICS, strict=True):
        own = scores[(scores["setting"] == "aggregation_bump") & (scores["metric"] == metric)]
        expected = own.groupby("estimator")["score"].median()
        marks = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "s"]
        assert sorted(marks) == sorted(expected.drop(["oracle_ridge", "posterior_mean"]))
        lines = [float(line.get_xdata()[0]) for line in axes.lines]
        assert expected["oracle_ridge"] in lines
        assert expected["posterior_mean"] in lines


def test_an_estimator_without_an_answer_has_a_word():
    tables = smoke_tables()
    scores = tables[SCORES]
    gone = (scores["estimator"] == "dartr") & (scores["setting"] == "integral_bump")
    tables = tables | {SCORES: scores.assign(score=scores["score"].mask(gone))}
    figure = draw("fig8", tables, smoke_looks())
    words = [text.get_text() for axes in figure.axes[:5] for text in axes.texts]
    assert words == ["none", "none"]

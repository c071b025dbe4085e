import numpy as np
import pandas as pd
from matplotlib.image import AxesImage

from nao.figures.prior import draw
from tests.evaluated import smoke_looks, smoke_plan, smoke_tables
from tests.figures.failures import with_failures


def shown(image: AxesImage) -> np.ndarray:
    values = image.get_array()
    assert values is not None
    return np.ravel(values)


def test_the_heat_maps_show_the_matrices_on_one_scale():
    tables = smoke_tables()
    table = tables["prior_moments"]
    images = [axes.images[0] for axes in draw(tables, smoke_looks()).axes if axes.images]
    learners = list(smoke_plan().experiments["prior"].points[0].runs)
    assert len(images) == 1 + 2 * len(learners)
    truth = np.asarray(table[table["kind"] == "true"].iloc[0]["covariance"])
    assert {image.get_clim() for image in images} == {(-abs(truth).max(), abs(truth).max())}
    np.testing.assert_array_equal(shown(images[0]), truth)
    first = table[(table["kind"] == "raw") & (table["replicate"] == 0)].iloc[0]
    assert first["estimator"] == learners[0]
    np.testing.assert_array_equal(shown(images[1]), first["covariance"])


def test_the_spectra_mark_r_w_and_the_true_eigenvalues():
    tables = smoke_tables()
    true = tables["prior_moments"].query("kind == 'true'").iloc[0]
    rank = int(true["task_dimension"])
    axes = next(
        axes for axes in draw(tables, smoke_looks()).axes if axes.get_ylabel() == "eigenvalue"
    )
    (diamonds,) = (line for line in axes.lines if line.get_marker() == "D")
    np.testing.assert_allclose(np.asarray(diamonds.get_ydata(), float), true["eigenvalues"][:rank])
    legend = axes.get_legend()
    assert legend is not None
    assert f"$r_w = {rank}$" in [text.get_text() for text in legend.get_texts()]


def test_failed_replicates_are_counted_and_a_failed_estimator_still_has_its_place():
    tables = with_failures(smoke_tables())
    figure = draw(tables, smoke_looks())
    (legend,) = figure.subfigs[0].legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert "NAO misfit (1/2 trained)" in labels

    table = tables["prior_moments"].copy()
    lost = (table["estimator"] == "misfit") & (table["kind"] != "true")
    for column in ("mean", "covariance", "eigenvalues"):
        table[column] = [
            np.full_like(value, np.nan) if gone else value
            for value, gone in zip(table[column], lost, strict=True)
        ]
    empty = [
        axes
        for axes in draw({"prior_moments": table}, smoke_looks()).axes
        if any("no training" in text.get_text() for text in axes.texts)
    ]
    assert len(empty) == 2


def test_a_prior_that_is_not_of_low_rank_is_drawn_with_the_rank_that_its_covariance_has():
    tables = smoke_tables()
    table = tables["prior_moments"]
    table = table.assign(task_dimension=pd.array([pd.NA] * len(table), dtype="Int64"))
    axes = draw(tables | {"prior_moments": table}, smoke_looks()).axes
    (spectra,) = (each for each in axes if each.get_ylabel() == "eigenvalue")
    (diamonds,) = (line for line in spectra.lines if line.get_marker() == "D")
    rank = int(table.query("kind == 'true'").iloc[0]["rank"])
    assert len(np.asarray(diamonds.get_ydata())) == rank

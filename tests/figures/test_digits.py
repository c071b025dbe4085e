import numpy as np

from nao.figures import draw
from nao.figures.digits import EXAMPLES, IMAGES
from tests.evaluated import smoke_looks, smoke_tables


def test_images_stand_side_by_side_with_their_psnr():
    examples = smoke_tables()[EXAMPLES]
    own = examples[examples["value"] == 16]
    names = set(own["estimator"].dropna())
    images = [axes for axes in draw("fig9", smoke_tables(), smoke_looks()).axes if axes.images]
    assert len(images) == IMAGES * (1 + len(names))
    true = own[(own["kind"] == "true") & (own["context"] == 0)].iloc[0]["values"]
    shown = images[0].images[0].get_array()
    assert shown is not None
    np.testing.assert_array_equal(np.ravel(shown), true)
    told = {axes.get_xlabel() for axes in images}
    ridge = own[(own["estimator"] == "ridge") & (own["context"] == 0)].iloc[0]["values"]
    square = np.mean((np.asarray(ridge) - true) ** 2)
    assert f"{10 * np.log10(1 / square):.1f}" in told


def test_a_failed_training_shows_no_image():
    tables = smoke_tables()
    table = tables[EXAMPLES].copy()
    gone = (table["estimator"] == "heldout").fillna(False)
    table["values"] = [
        np.full_like(value, np.nan) if lost else value
        for value, lost in zip(table["values"], gone, strict=True)
    ]
    figure = draw("fig9", tables | {EXAMPLES: table}, smoke_looks())
    assert sum(text.get_text() == "none" for axes in figure.axes for text in axes.texts) == IMAGES

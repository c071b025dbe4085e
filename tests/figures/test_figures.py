"""What holds for every figure: its text is legible and inside the page, its bytes repeat."""

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from pypdf import PdfReader

from nao.figures import FIGURES, draw, save
from nao.figures.style import RESOLUTION, WIDTH, style
from tests.evaluated import smoke_looks, smoke_tables
from tests.figures.failures import with_failures

SMALLEST_PRINT = 7  # points


def texts(figure: Figure) -> list[Text]:
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


@pytest.fixture(params=["as computed", "with failures"])
def tables(request):
    return smoke_tables() if request.param == "as computed" else with_failures(smoke_tables())


@pytest.mark.parametrize("name", FIGURES)
def test_all_text_is_legible_and_inside_the_page(name, tables):
    figure = draw(name, tables, smoke_looks())
    with style():
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # inches
    assert figure.get_figwidth() == WIDTH
    assert min(float(text.get_fontsize()) for text in texts(figure)) >= SMALLEST_PRINT
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= figure.get_figwidth()
    assert drawn.y1 <= figure.get_figheight()


def test_captions_say_for_which_width_the_letters_are_made():
    text = (Path(__file__).parents[2] / "workflow" / "report" / "figure.rst").read_text("utf-8")
    told = " ".join(text.split())
    assert f"two columns ({WIDTH:g} inches)" in told
    assert f"smallest letters have {SMALLEST_PRINT} points" in told


@pytest.mark.parametrize("name", FIGURES)
def test_equal_tables_give_equal_bytes(name, tmp_path):
    for copy in ("one", "two"):
        figure = draw(name, smoke_tables(), smoke_looks())
        for suffix in ("png", "pdf"):
            save(figure, tmp_path / f"{copy}.{suffix}")
    for suffix in ("png", "pdf"):
        one, two = (tmp_path / f"{copy}.{suffix}" for copy in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_a_sweep_of_one_value_is_drawn(name, tmp_path):
    tables = {
        key: table if key == "prior_moments" else table[table["value"] == table["value"].min()]
        for key, table in smoke_tables().items()
    }
    save(draw(name, tables, smoke_looks()), tmp_path / "single.png")
    with Image.open(tmp_path / "single.png") as picture:
        assert picture.width == round(WIDTH * RESOLUTION)


def test_a_style_of_the_readers_own_changes_nothing(tmp_path):
    save(draw("fig2", smoke_tables(), smoke_looks()), tmp_path / "plain.png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 10}):
        before = dict(mpl.rcParams)
        save(draw("fig2", smoke_tables(), smoke_looks()), tmp_path / "styled.png")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_metadata_reaches_the_files(tmp_path):
    figure = draw("fig2", smoke_tables(), smoke_looks())
    save(figure, tmp_path / "fig2.png", {"study": "abc"})
    save(figure, tmp_path / "fig2.pdf", {"Keywords": "study:abc"})
    with Image.open(tmp_path / "fig2.png") as picture:
        assert picture.info["study"] == "abc"
        assert picture.width == round(WIDTH * RESOLUTION)
    info = PdfReader(tmp_path / "fig2.pdf").metadata
    assert info is not None
    assert info["/Keywords"] == "study:abc"
    assert "/CreationDate" not in info


def test_the_pdf_is_drawn_in_vectors_and_letters(tmp_path):
    save(draw("fig3", smoke_tables(), smoke_looks()), tmp_path / "fig3.pdf")
    page = PdfReader(tmp_path / "fig3.pdf").pages[0]
    assert not list(page.images)
    assert "condition number" in page.extract_text()


def test_a_figure_that_cannot_be_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="figure = 'fig0' is unknown; choose one of fig1, fig2"):
        draw("fig0", smoke_tables(), smoke_looks())
    with pytest.raises(ValueError, match=r"fig2 needs the tables contexts, .* add its experiment"):
        draw("fig2", {}, smoke_looks())
    with pytest.raises(ValueError, match=r"fig2\.svg: a figure is saved as \.png or \.pdf"):
        save(Figure(), tmp_path / "fig2.svg")


def test_drawing_needs_neither_torch_nor_a_display():
    program = (
        "import sys, nao.figures, nao.claims\n"
        "print([m for m in ('torch', 'matplotlib.pyplot', 'snakemake') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_drawing_leaves_the_tables_alone():
    tables = smoke_tables()
    copies = {name: table.copy(deep=True) for name, table in tables.items()}
    for name in FIGURES:
        draw(name, tables, smoke_looks())
    for name, copy in copies.items():
        if (
            name != "prior_moments" and "values" not in copy
        ):  # arrays, which pandas does not compare
            pd.testing.assert_frame_equal(tables[name], copy)
    after, before = tables["prior_moments"], copies["prior_moments"]
    np.testing.assert_array_equal(list(after["mean"]), list(before["mean"]))

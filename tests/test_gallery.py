"""The committed gallery is what this commit's code makes: published anew, or not at all."""

import re
from collections import Counter
from pathlib import Path

import pytest

from nao.claims.findings import filled, without_address
from nao.provenance.audit import SOUND, Audit, Verdict, audit
from nao.provenance.clone import today_at
from nao.provenance.lineage import lineage, rows_of
from nao.provenance.page.document import LARGEST, WIDTHS, picture
from nao.provenance.page.points import points_in
from nao.provenance.trees import publication_of

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "results" / "gallery"
GALLERY_PAPER = ROOT / "results" / "gallery_paper"
GALLERY_PAPER_ADAM = ROOT / "results" / "gallery_paper_adam"
MEND = "make figures and nao publish results/laptop results/gallery make it anew"


@pytest.fixture(scope="module")
def audited() -> Audit:
    return audit([GALLERY], today_at(ROOT))


def test_every_file_is_as_recorded_and_as_today_s_code_makes_it(audited: Audit):
    faults = {
        finding.name: [reason.text for reason in finding.reasons]
        for finding in audited.findings.values()
        if finding.verdict is not Verdict.PUBLISHED
    }
    assert faults == {}, MEND


@pytest.mark.parametrize("tree", [GALLERY_PAPER, GALLERY_PAPER_ADAM], ids=lambda tree: tree.name)
def test_what_takes_hours_to_make_anew_is_as_recorded(tree: Path):
    audited = audit([tree], today_at(ROOT))
    faults = {f.name: f.reasons for f in audited.findings.values() if f.verdict not in SOUND}
    assert faults == {}


@pytest.mark.parametrize(
    "tree", [GALLERY, GALLERY_PAPER, GALLERY_PAPER_ADAM], ids=lambda tree: tree.name
)
def test_the_readme_shows_what_is_published(tree: Path):
    text = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(rf"\]\(results/{tree.name}/([^)]+)\)", text)
    publication = publication_of(tree)
    assert publication is not None, MEND
    assert shown
    assert set(shown) <= set(publication.files)


def test_its_figures_fit_into_a_page_as_wide_as_they_are():
    pictures = [picture(path, max(WIDTHS)) for path in sorted((GALLERY / "figures").glob("*.png"))]
    assert all(each and each["width"] >= 1000 for each in pictures)
    assert sum(len(each["address"]) for each in pictures if each) < LARGEST / 2


def test_the_readme_s_numbers_are_those_of_the_tables():
    text = (ROOT / "README.md").read_text("utf-8")
    found = text[text.index("## What it finds") : text.index("## Claim")]
    assert without_address(found) == []
    assert filled(text, GALLERY) == text, "nao findings brings them up to date"


@pytest.mark.parametrize("figure", ["fig1", "fig5", "fig6", "fig8"])
def test_each_mark_is_named_by_what_it_shows_and_not_by_where_it_was_drawn(figure: str):
    points = points_in(GALLERY / "figures" / f"{figure}.png")
    shown = [point for point in points if point.sources]
    assert {point.label for point in points if not point.sources} <= {"true"}
    named = Counter((point.panel, point.spoken) for point in shown)
    assert named.most_common(1)[0][1] <= 3  # a mark for each replicate
    assert not any(" at  = " in point.spoken for point in points)
    if figure == "fig1":
        assert {point.x for point in points} <= {None, *range(1, 21)}
    else:
        assert all(point.x in (None, point.value) for point in points)


def test_each_picture_leads_to_trainings_and_points_by_records_alone():
    for path in sorted(GALLERY.glob("figures/*.png")):
        found = lineage(path)
        assert any(record and record.rule == "train" for record in found.records.values())
        if found.tables:  # the layers of figure mechanism are no points of a sweep
            assert rows_of(found)["done"].any(), path.name

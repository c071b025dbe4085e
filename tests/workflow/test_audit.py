"""The audit of what the real workflow made, and its agreement with what Snakemake would rerun."""

from pathlib import Path

import numpy as np
import pytest

from nao.provenance import fingerprint
from nao.provenance.audit import Audit, audit
from nao.provenance.clone import today_at
from nao.provenance.explain import rebuilds
from nao.provenance.lineage import behind, lineage, points_of, rows_of
from nao.provenance.page import LARGEST, write_page
from nao.provenance.page.points import points_in
from nao.provenance.reproduce import Outcome, repeat, sample
from nao.provenance.schema import RECORDS, record_path
from tests.workflow.clone import Clone


def audited(clone: Clone) -> Audit:
    fingerprint.forget()
    return audit([clone.results], today_at(clone.folder))


def append(clone: Clone, path: str) -> None:
    file = clone.folder / path
    file.write_text(f"{file.read_text()}\n\nADDED = 1\n")


def test_every_artefact_of_a_run_is_verified(finished: Clone):
    result = audited(finished)
    assert [(f.name, f.reasons) for f in result.findings.values() if f.reasons] == []
    made = {
        path
        for path in finished.results.rglob("*")
        if path.is_file()
        and path.relative_to(finished.results).parts[0] not in ("logs", "checkpoints", RECORDS)
    }
    assert set(result.findings) == made
    records = [record_path(finished.results, path.relative_to(finished.results)) for path in made]
    assert all(record.is_file() for record in records)


@pytest.mark.parametrize(
    "path",
    [
        "nao/figures/style.py",
        "nao/estimators/oracle.py",
        "nao/tasks/datasets.py",
        "workflow/scripts/train.py",
    ],
)
def test_what_is_stale_is_what_snakemake_would_make_again(clone: Clone, path: str):
    append(clone, path)
    stale = {
        (job.rule, " ".join(sorted(job.record.wildcards.values())))
        for job in rebuilds(audited(clone))
        if job.record
    }
    planned = {
        (job.rule, " ".join(sorted(part.partition("=")[2] for part in job.wildcards.split(", "))))
        for job in clone.planned()
    }
    assert stale == planned
    assert stale


def test_a_real_figure_leads_to_its_points_and_has_a_page(finished: Clone, tmp_path: Path):
    figures = sorted((finished.results / "figures").glob("*.png"))
    for figure in figures:
        found = lineage(figure)
        rows = rows_of(found)
        points = points_of(rows)
        assert (points["done"] == points["planned"]).all()
        for source, part in rows.groupby("source"):
            names = behind(found, part)
            assert any(str(source) in name for name in names)
            assert any(name.endswith("test.parquet") for name in names)
    write_page(audited(finished), tmp_path / "page.html", finished.folder)
    text = (tmp_path / "page.html").read_text("utf-8")
    assert len(text.encode()) < LARGEST
    asked = [point.id for figure in figures for point in points_in(figure)]
    assert {name.partition("-")[0] for name in asked} == {figure.stem for figure in figures}
    assert all(f'data-point="{name}"' in text for name in asked)
    assert text.count("Made for the width of two columns") == len(figures)


def test_a_baseline_is_made_again_to_the_byte_by_the_workflow(finished: Clone):
    scores = next(finished.results.glob("baselines/*/ridge/scores.parquet"))
    records = sample(lineage(scores), 1, np.random.default_rng(0))
    (job,) = repeat(records, finished.results, finished.folder)
    assert set(job.outcomes.values()) == {Outcome.SAME}, job.notes

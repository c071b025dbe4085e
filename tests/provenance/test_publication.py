"""A published tree: what it ships, what the audit says of it, and where its records lead."""

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance import fingerprint
from nao.provenance.audit import Audit, Verdict, audit
from nao.provenance.clone import today_at
from nao.provenance.lineage import behind, lineage, rows_of
from nao.provenance.publication import PublicationError, publish
from nao.provenance.schema import Git
from nao.provenance.trees import PUBLISHED
from nao.specs import RunSpec

SHIPPED = {
    *("figures/fig3.pdf", "figures/fig3.png", "claims.md", "claims.parquet"),
    "experiments/noise.parquet",
}


@pytest.fixture
def gallery(bench: Workbench) -> Path:
    """The gallery of a clone in which nothing else was made."""
    out = bench.clone / "results" / "gallery"
    publish(bench.audit(), out)
    shutil.rmtree(bench.tree)
    return out


def judged(bench: Workbench, gallery: Path) -> Audit:
    fingerprint.forget()
    return audit([gallery], today_at(bench.clone))


def shipped(gallery: Path) -> set[str]:
    files = (path.relative_to(gallery) for path in gallery.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.parts[0] not in ("records", PUBLISHED)}


def test_it_ships_what_is_seen_and_records_of_all_behind(bench: Workbench, gallery: Path):
    assert shipped(gallery) == SHIPPED
    result = judged(bench, gallery)
    # all but the history, on which nothing rests
    assert len(result.findings) == len(bench.artefacts) - 2
    assert {finding.verdict for finding in result.findings.values()} == {Verdict.PUBLISHED}
    assert result.sound
    assert not result.verified
    record = result.findings[gallery / "claims.md"].record
    assert record is not None
    assert isinstance(record.git, Git)
    commit = record.git.commit[:12]
    reasons = {f.name: [r.text for r in f.reasons] for f in result.findings.values()}
    assert all(
        said == [f"as recorded, made at commit {commit} of what is not shipped"]
        if name in SHIPPED
        else said == ["is not shipped"]
        for name, said in reasons.items()
    )


def test_code_that_no_commit_holds_is_told(bench: Workbench, tmp_path: Path):
    bench.edit("nao/drawing.py", '"noise"', '"noise, σ"')
    bench.make_again("png")
    publish(bench.audit(), tmp_path / "gallery")
    shown = judged(bench, tmp_path / "gallery").findings[tmp_path / "gallery/figures/fig3.png"]
    assert "with changes of its own" in shown.reasons[0].text


def test_a_picture_that_the_code_no_longer_draws_is_of_an_earlier_commit(
    bench: Workbench, gallery: Path
):
    bench.edit("nao/drawing.py", '"noise"', '"noise, σ"')
    result = judged(bench, gallery)
    earlier = {f.name: f.reasons for f in result.findings.values() if f.verdict == "earlier"}
    assert set(earlier) == {"figures/fig3.pdf", "figures/fig3.png"}
    for made, changed in earlier.values():
        assert "as recorded, made at commit" in made.text
        assert "nao/drawing.py changed" in changed.text
    assert result.sound


def test_what_rests_on_what_earlier_code_made_is_earlier_too(bench: Workbench, gallery: Path):
    bench.edit("config.yaml", "replicates: 2", "replicates: 3")
    result = judged(bench, gallery)
    assert result.findings[gallery / "figures/fig3.png"].verdict is Verdict.EARLIER
    (gallery / "figures/fig3.png").unlink()
    assert judged(bench, gallery).findings[gallery / "figures/fig3.png"].verdict is Verdict.MISSING


@pytest.mark.parametrize("name", ["figures/fig3.png", "claims.md", "experiments/noise.parquet"])
def test_what_was_shipped_and_is_gone_or_edited_is_an_alarm(
    bench: Workbench, gallery: Path, name: str
):
    whole = (gallery / name).read_bytes()
    (gallery / name).write_bytes(whole[:-1] + b"!")
    assert judged(bench, gallery).findings[gallery / name].verdict is Verdict.TAMPERED
    (gallery / name).unlink()
    assert judged(bench, gallery).findings[gallery / name].verdict is Verdict.MISSING


def test_without_its_list_the_tree_is_one_that_lost_its_files(bench: Workbench, gallery: Path):
    (gallery / PUBLISHED).unlink()
    assert judged(bench, gallery).counts["missing"] == len(bench.artefacts) - 2 - len(SHIPPED)


def test_records_alone_lead_to_runs_seeds_and_settings(bench: Workbench, gallery: Path):
    found = lineage(gallery / "figures/fig3.png")
    runs = behind(found, rows_of(found, value="0.3", estimator="heldout"))
    training = next(record for record in runs.values() if record and record.rule == "train")
    assert training.seeds == {"root": 7}
    spec = RunSpec.model_validate(training.params["spec"])
    assert spec.dataset.problem.noise.std == 0.3


def test_it_is_published_again_and_nothing_else_is_overwritten(bench: Workbench, tmp_path: Path):
    out = tmp_path / "gallery"
    publish(bench.audit(), out)
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "figures" / "old.png").touch()
    publish(bench.audit(), out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first
    assert set(os.listdir(tmp_path)) == {"clone", "gallery"}
    (out / PUBLISHED).unlink()
    with pytest.raises(PublicationError, match="holds what was not published"):
        publish(bench.audit(), out)


def test_only_what_is_verified_is_published(bench: Workbench, tmp_path: Path):
    bench.flip("model")
    with pytest.raises(PublicationError, match=r"is (stale|tampered): .*; make it anew"):
        publish(bench.audit(), tmp_path / "gallery")
    assert not (tmp_path / "gallery").exists()


def test_the_commands_of_a_finished_clone(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: str):
        return CliRunner().invoke(app, arguments)

    monkeypatch.chdir(bench.clone)
    assert run("publish", "results/laptop", "results/gallery").exit_code == 0
    assert run("audit").exit_code == 0
    counts = json.loads(run("audit", "--json").stdout)["counts"]
    assert (counts["verified"], counts["published"]) == (17, 15)
    assert "made at commit" in run("audit", "results/gallery").stdout
    assert run("lineage", "results/gallery/figures/fig3.png").exit_code == 0
    assert "Nothing would be made anew" in run("explain").stdout
    refused = run("publish", "results/none", "results/gallery")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)

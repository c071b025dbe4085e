"""What differs between two makings, and by how much the numbers moved."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance import difference
from nao.provenance.difference import compare, numbers_moved


@pytest.fixture
def other(finished: Path, tmp_path: Path) -> Workbench:
    return Workbench.copy_of(finished, tmp_path / "other")


def test_equal_trees_are_equal(bench: Workbench, other: Workbench):
    other.make_all()  # on the same machine, at another time
    found = compare(bench.tree, other.tree)
    assert len(found) == 17
    assert all(each.equal for each in found)


def test_a_changed_function_is_named_and_its_numbers_measured(bench: Workbench, other: Workbench):
    other.edit("workflow/scripts/evaluate_baseline.py", "0.1 * np.eye", "0.2 * np.eye")
    other.make_all()
    found = {each.name: each for each in compare(bench.tree, other.tree) if not each.equal}
    words = ("ridge", "ridge2", "table", "png", "pdf", "claims", "text")
    assert {bench.tree / name for name in found} == {bench.path(word) for word in words}
    ridge = found[bench.path("ridge").relative_to(bench.tree).as_posix()]
    assert ridge.code == ["workflow/scripts/evaluate_baseline.py changed in main"]
    table = found["experiments/noise.parquet"]
    assert len(table.inputs) == 2
    (moved,) = table.numbers
    before, after = (pd.read_parquet(b.path("table"))["score"] for b in (bench, other))
    assert (moved.column, moved.count) == ("score", int((before != after).sum()))
    assert moved.largest == pytest.approx((before - after).abs().max(), rel=1e-12)


def test_changed_parameters_are_named(bench: Workbench, other: Workbench):
    other.edit("config.yaml", "seed: 7", "seed: 8")
    other.make_all()
    (found,) = compare(bench.path("train"), other.path("train"))
    assert "params.spec.seed: 7 → 8" in found.params
    assert found.same_bytes is False


def test_records_may_be_named_themselves(bench: Workbench):
    (found,) = compare(bench.record("model"), bench.record("model2"))
    assert any("noise.std: 0.1 → 0.3" in text for text in found.params)


def test_the_environment_is_told_and_forgiven(bench: Workbench, other: Workbench):
    other.forge("png", lambda r: r["environment"]["packages"].update(matplotlib="9.9"))
    (found,) = compare(bench.path("png"), other.path("png"))
    assert found.equal
    assert [text.partition(":")[0] for text in found.environment] == [
        "environment.packages.matplotlib"
    ]


def test_what_one_tree_lacks_is_said(bench: Workbench, other: Workbench):
    other.path("text").unlink()
    other.record("text").unlink()
    lacking = [each for each in compare(bench.tree, other.tree) if not each.equal]
    assert [(each.name, each.notes) for each in lacking] == [
        ("claims.md", ["is only in the first"])
    ]


def test_what_is_no_plain_file_or_has_another_size_is_not_read_to_its_end(
    bench: Workbench, other: Workbench
):
    other.path("text").unlink()
    os.mkfifo(other.path("text"))
    os.truncate(other.path("train"), 1 << 40)
    lacking = {each.name: each for each in compare(bench.tree, other.tree) if not each.equal}
    assert lacking.keys() == {"claims.md", other.path("train").relative_to(other.tree).as_posix()}
    assert lacking.pop("claims.md").notes == [f"{other.path('text')} is no plain file"]
    ((note,),) = [each.notes for each in lacking.values()]
    assert note.startswith(f"{other.path('train')} cannot be read as a table")


def test_what_may_not_be_read_is_told_and_the_rest_compared(
    bench: Workbench, other: Workbench, monkeypatch: pytest.MonkeyPatch
):
    real = difference.sha256_of

    def closed(path: Path) -> str:
        if path == other.path("png"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(difference, "sha256_of", closed)
    other.flip("table", 200)
    lacking = {each.name: each.notes for each in compare(bench.tree, other.tree) if not each.equal}
    assert lacking["figures/fig3.png"] == [f"{other.path('png')} cannot be read: Permission denied"]
    assert "experiments/noise.parquet" in lacking


def test_numbers_are_matched_by_their_point_not_their_row(tmp_path: Path):
    one = pd.DataFrame({"value": [1.0, 2.0, 3.0], "score": [1.0, 2.0, np.nan]})
    two = one.iloc[[2, 0, 1]].assign(score=[np.nan, 1.5, 2.0])
    one.to_parquet(tmp_path / "a.parquet")
    two.to_parquet(tmp_path / "b.parquet")
    moved, notes = numbers_moved(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert notes == []
    (score,) = moved
    assert (score.count, score.largest, score.relative) == (1, 0.5, pytest.approx(1 / 3))


@pytest.mark.filterwarnings("error")
def test_what_is_infinite_in_both_has_not_moved(tmp_path: Path):
    one = pd.DataFrame({"value": [1.0, 2.0, 3.0], "score": [np.inf, 2.0, np.inf]})
    two = one.assign(score=[np.inf, 1.5, 1.0])
    one.to_parquet(tmp_path / "a.parquet")
    two.to_parquet(tmp_path / "b.parquet")
    ((score,), _) = numbers_moved(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert (score.count, score.largest) == (2, np.inf)


def test_the_command(bench: Workbench, other: Workbench):
    same = CliRunner().invoke(app, ["diff", str(bench.tree), str(other.tree)])
    assert (same.exit_code, same.stdout) == (0, "17 of 17 artefacts are equal\n")
    other.flip("table", 200)
    report = CliRunner().invoke(app, ["diff", str(bench.tree), str(other.tree), "--json"])
    assert report.exit_code == 1
    unequal = [a["name"] for a in json.loads(report.stdout)["artefacts"] if not a["equal"]]
    assert unequal == ["experiments/noise.parquet"]
    assert CliRunner().invoke(app, ["diff", str(bench.tree), "nowhere"]).exit_code == 2


def test_what_is_not_there_is_what_is_blamed(bench: Workbench):
    for pair in ((bench.tree, bench.tree / "none"), (bench.tree / "none", bench.tree)):
        with pytest.raises(FileNotFoundError, match=r"none does not exist; name two artefacts"):
            compare(*pair)
    with pytest.raises(FileNotFoundError, match="are a file and a folder"):
        compare(bench.path("claims"), bench.tree)

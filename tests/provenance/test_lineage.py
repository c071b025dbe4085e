"""From a figure or a point of it down to what it was made from."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance.lineage import (
    LineageError,
    behind,
    lineage,
    points_of,
    resting_on,
    rows_of,
)


def test_a_figure_rests_on_everything_that_was_read_for_it(bench: Workbench):
    found = lineage(bench.path("png"))
    others = {bench.path(w) for w in ("pdf", "claims", "text", "history", "history2")}
    everything = {bench.tree / name for name in bench.artefacts} - others
    assert {bench.tree / name for name in found.records} == everything
    assert next(iter(found.records)) == "figures/fig3.png"
    assert all(found.records.values())


def test_a_picture_alone_leads_back_by_the_id_inside(bench: Workbench, tmp_path: Path):
    for word in ("png", "pdf"):
        lone = tmp_path / f"from a mail.{word}"
        shutil.copy(bench.path(word), lone)
        found = lineage(lone, bench.clone / "results")
        assert found.top == f"figures/fig3.{word}"
        assert found.detached is not None
        assert found.detached.endswith("and is that file")
        with lone.open("ab") as file:
            file.write(b"\n")
        edited = lineage(lone, bench.clone / "results").detached
        assert edited is not None
        assert edited.endswith("and is NOT that file")


def test_points_are_the_table_s_rows(bench: Workbench):
    found = lineage(bench.path("png"))
    table = pd.read_parquet(bench.path("table"))
    points = points_of(rows_of(found))
    assert len(points) == 4  # two values of two estimators
    for point in points.to_dict("records"):
        rows = table.iloc[point["rows"]]
        assert rows["score"].tolist() == point["scores"]
        assert rows["score"].median() == pytest.approx(point["score"], rel=1e-15)
        assert set(rows["source"]) == set(point["sources"])
        assert (point["done"], point["planned"]) == (len(rows), len(rows))


def test_one_point_leads_to_its_own_run_and_data(bench: Workbench):
    found = lineage(bench.path("png"))
    learned = behind(found, rows_of(found, value="0.10", estimator="heldout"))
    words = ("scores", "model", "train", "test")
    assert {bench.tree / name for name in learned} == {bench.path(word) for word in words}
    baseline = behind(found, rows_of(found, value="0.3", estimator="ridge"))
    assert {bench.tree / name for name in baseline} == {bench.path("ridge2"), bench.path("test2")}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"value": "0.2"}, r"value=0.2: no such point; there are 0.1, 0.3"),
        ({"value": "many"}, "no such point"),
        ({"colour": "red"}, "no such column; choose among experiment"),
    ],
)
def test_a_wrong_choice_is_told_the_right_ones(bench: Workbench, chosen, sentence):
    with pytest.raises(LineageError, match=sentence):
        rows_of(lineage(bench.path("png")), **chosen)


def test_what_cannot_be_followed_is_said(bench: Workbench, tmp_path: Path):
    with pytest.raises(LineageError, match="does not exist"):
        lineage(tmp_path / "none.png")
    (tmp_path / "plain.txt").touch()
    with pytest.raises(LineageError, match="carries no id"):
        lineage(tmp_path / "plain.txt")
    shutil.copy(bench.path("png"), tmp_path / "fig.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LineageError, match="has no record"):
        lineage(tmp_path / "fig.png", tmp_path / "empty")
    bench.path("table").write_bytes(b"PAR1")
    with pytest.raises(LineageError, match="cannot be read as a table"):
        rows_of(lineage(bench.path("png")))
    shutil.copy(bench.record("pdf"), bench.record("png"))
    with pytest.raises(LineageError, match=r"its record is of figures/fig3\.pdf"):
        lineage(bench.path("png"))


def test_the_command(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(bench.clone)
    arguments = ["lineage", "results/laptop/figures/fig3.png", "--point", "value=0.1"]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0
    assert "replicates [0, 1] of" in shown.stdout
    assert "dataset.problem.noise.std=0.1" in shown.stdout
    assert "dataset.problem.noise.std=0.3" not in shown.stdout
    content = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert {point["estimator"] for point in content["points"]} == {"heldout", "ridge"}
    wrong = CliRunner().invoke(app, ["lineage", "results/laptop/claims.md", "--point", "value"])
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)


def test_it_is_short_and_tells_once_what_trainings_share(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(bench.clone)
    figure = "results/laptop/figures/fig3.png"
    shown = CliRunner().invoke(app, ["lineage", figure]).stdout
    whole = CliRunner().invoke(app, ["lineage", figure, "--all"]).stdout
    assert len(shown) < 4000
    assert shown.count("dataset.context_length=4") == 1
    assert shown.count("seeds.root=7") == 2
    for std in (0.1, 0.3):
        assert shown.count(f"dataset.problem.noise.std={std}") == 1
    names = [path for path in bench.artefacts if path.startswith("datasets/")]
    assert all(name in whole and name not in shown for name in names)


def test_the_other_way_leads_to_figures_and_claims(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    mine = {
        bench.path(w).relative_to(bench.tree).as_posix() for w in ("model", "history", "scores")
    }
    above = {"experiments/noise.parquet", "figures/fig3.pdf", "figures/fig3.png"}
    claims = {"claims.md", "claims.parquet"}
    assert set(resting_on(bench.path("train"))) == mine | above | claims
    assert resting_on(bench.path("png")) == {}
    monkeypatch.chdir(bench.clone)
    path = bench.path("train").relative_to(bench.clone)
    shown = CliRunner().invoke(app, ["lineage", "--down", str(path)]).stdout
    assert all(f"  {name}\n" in shown for name in above | claims)
    assert "and 3 of runs and baselines" in shown
    refused = CliRunner().invoke(app, ["lineage", "--down", "config.yaml"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_a_value_of_several_sweeps_is_asked_for_its_sweep(bench: Workbench):
    table = pd.read_parquet(bench.path("table"))
    other = table.assign(experiment="condition", value=table["value"].map({0.1: 10.0, 0.3: 0.3}))
    pd.concat([table, other]).to_parquet(bench.path("table"))
    found = lineage(bench.path("claims"))
    with pytest.raises(
        LineageError, match=r"noise, condition have such a point; choose one, as in"
    ):
        rows_of(found, value="0.3")
    assert set(rows_of(found, value="10")["experiment"]) == {"condition"}
    assert set(rows_of(found, value="0.3", experiment="noise")["experiment"]) == {"noise"}
    with pytest.raises(LineageError, match=r"there are 0\.1, 0\.3, 10\.0"):
        rows_of(found, value="2")


def test_only_what_the_figure_draws_is_a_point_of_it(bench: Workbench):
    drawn = [{"panel": "", "x": "", "y": "", "label": "", "table": "noise",
              "marks": [{"at": [0, 0, 1, 1], "x": 1, "y": 1, "rows": [2]}]}]  # fmt: skip
    info = PngInfo()
    info.add_text("nao-marks", json.dumps(drawn))
    with Image.open(bench.path("png")) as picture:
        picture.save(bench.path("png"), pnginfo=info)
    for word in ("png", "pdf"):
        assert rows_of(lineage(bench.path(word)))["row"].tolist() == [2]
    assert len(rows_of(lineage(bench.path("claims")))) > 1

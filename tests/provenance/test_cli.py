"""The ``nao`` command: what it prints, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app

ROOT = Path(__file__).parents[2]


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _inside(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.clone)


def test_audit_is_silent_on_what_is_verified_and_counts_it(bench: Workbench):
    result = run("audit")
    assert result.exit_code == 0
    assert "✓ verified  figures/fig3.png" in result.stdout
    assert "train.parquet" not in result.stdout
    assert "train.parquet" in run("audit", "--all").stdout
    assert re.search(r"17 verified; seal\s+[0-9a-f]{64}", result.stdout)


def test_audit_leads_to_the_fault(bench: Workbench):
    bench.flip("test")
    result = run("audit", "results/laptop/figures/fig3.png")
    assert result.exit_code == 1
    assert "✗ tampered  datasets/" in result.stdout
    assert "bytes differ from the record (same size)" in result.stdout


def test_many_stale_artefacts_are_told_by_their_reason_and_named_with_all(bench: Workbench):
    (bench.tree / "a" / "folder").mkdir(parents=True)
    for number in range(500):
        (bench.tree / "a" / "folder" / f"left_over_{number}.parquet").write_bytes(b"")
    bench.edit("nao/drawing.py", '"noise"', '"σ"')
    bench.flip("test")
    told, whole = run("audit").stdout, run("audit", "--all").stdout
    faulty = {
        artefact["path"]: artefact
        for artefact in json.loads(run("audit", "--json").stdout)["artefacts"]
        if artefact["verdict"] != "verified"
    }
    assert len(faulty) > 500
    assert len(told.encode()) < 2000 < len(whole.encode())
    for path, artefact in faulty.items():
        assert f"{artefact['verdict']}  {path}\n" in whole
    for words in (
        "? unrecorded  a/folder/left_over_0.parquet\n  has no record\n  and 499 more for the same",
        "~ stale  figures/fig3.pdf\n  nao/drawing.py changed in label\n  and 1 more for the same",
        "which is stale\n  and 2 more that rest on such",
        "✗ tampered  datasets/",
        "Every artefact with all its reasons: --all",
    ):
        assert words in told, told


def test_reasons_that_differ_from_artefact_to_artefact_are_counted(bench: Workbench):
    for word in ("train", "test", "model", "scores", "ridge"):
        with bench.path(word).open("ab") as file:
            file.write(b"\0" * len(word))
    told = run("audit").stdout
    assert told.count("bytes differ from the record") == 3
    assert "  2 other reasons of this kind, of 2 artefacts\n" in told


def test_audit_for_programs(bench: Workbench):
    bench.edit("nao/drawing.py", '"noise"', '"σ"')
    result = run("audit", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["verified"], report["schema"]) == (1, False, "nao-audit/2")
    stale = {a["path"]: a["reasons"] for a in report["artefacts"] if a["verdict"] == "stale"}
    reason = {"kind": "code", "text": "nao/drawing.py changed in label"}
    assert stale == {"figures/fig3.pdf": [reason], "figures/fig3.png": [reason]}
    assert run("audit", "--files-only").exit_code == 0


def test_the_seal_is_compared(bench: Workbench):
    seal = json.loads(run("audit", "--json").stdout)["seal"]
    assert run("audit", "--seal", seal).exit_code == 0
    bench.make_again("claims")
    result = run("audit", "--seal", seal)
    assert result.exit_code == 2
    assert "made or changed since" in result.stderr


def test_errors_are_one_sentence(bench: Workbench, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    result = run("audit", tmp_path / "empty")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "no artefacts there; name another path" in result.stderr
    bench.edit("config.yaml", "seed: 7", "seed: -7")
    result = run("audit")
    assert result.exit_code == 2
    assert "seed = -7" in result.stderr
    assert run("audit", "--clone", tmp_path / "empty").exit_code == 2


def test_whoever_waits_knows_for_how_much(bench: Workbench):
    (bench.clone / "Snakefile").touch()
    result = run("export", "crate", "study.zip", "--without", "datasets")
    assert result.exit_code == 0, result.stderr
    sizes = sum(bench.tree.joinpath(n).stat().st_size for n in bench.artefacts if n[0] != "d")
    assert f"13 files, {sizes / 1e6:.3g} MB, and 17 records" in result.stderr
    made = run("reproduce", "results/laptop/figures/fig3.png", "--sample", "1", "--json")
    assert "1 of 1: draw_figure fig3, " in made.stderr
    assert json.loads(made.stdout)["schema"] == "nao-reproduce/1"


def test_help_keeps_what_stands_in_brackets_and_a_wrong_tree_is_blamed(bench: Workbench):
    assert "Artefacts or folders [all trees in results]" in " ".join(
        run("audit", "--help").stdout.split()
    )
    refused = run("page", "out.html", "--of", "nosuch")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "error: nosuch is no folder; name a results tree\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lineage", "results"), "results is a folder; name an artefact of a tree"),
        (("budgets", "nosuch"), "nosuch does not exist; name an artefact of a tree"),
        (("lineage", "--down", "nosuch"), "nosuch does not exist; name an artefact of a tree"),
        (("findings", "nosuch"), "nosuch is no file; name a text whose numbers have addresses"),
        (("findings", "config.yaml", "--of", "nosuch"), "nosuch is no folder; name a results tree"),
        (("page", "results"), "results is a folder; name a file in it"),
        (("diff", "results", "results", "--page", "nao"), "nao is a folder; name a file in it"),
        (
            ("export", "crate", "nosuch/study.zip"),
            "nosuch/study.zip lies in a folder that is not there; make nosuch",
        ),
    ],
)
def test_what_is_named_wrongly_is_blamed(bench: Workbench, arguments, sentence):
    refused = run(*arguments)
    assert (refused.exit_code, refused.stderr) == (2, f"error: {sentence}\n")


def test_a_misspelt_folder_to_leave_out_sends_nothing(bench: Workbench):
    (bench.clone / "Snakefile").touch()
    refused = run("export", "crate", "study.zip", "--without", "dataset")
    assert refused.exit_code == 2
    assert "--without dataset names no folder of the results, so all would go out" in refused.stderr
    assert "there are baselines, claims.md, " in refused.stderr
    assert not Path("study.zip").exists()


def test_it_tells_its_version():
    assert re.fullmatch(r"nao \d+\.\d+\.\d+\n", run("--version").stdout)


def test_no_command_ends_in_a_traceback(tmp_path: Path):
    (tmp_path / "config.yaml").mkdir()
    command = [sys.executable, "-c", "from nao.cli import app; app()"]
    for arguments in (
        ["page", "/proc/no/page.html", "--of", str(tmp_path)],
        ["export", "crate", "/proc/crate", "--of", str(tmp_path)],
        ["audit", str(tmp_path), "--clone", str(tmp_path)],
        ["diff", str(tmp_path), "nosuch"],
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 2, (arguments, done.stdout)
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("error: "), done.stderr


def test_what_is_printed_is_utf_8_whatever_the_locale(bench: Workbench):
    command = [sys.executable, "-c", "from nao.cli import app; app()", "audit"]
    command += ["--files-only", str(bench.tree)]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "✓ verified" in done.stdout.decode("utf-8")

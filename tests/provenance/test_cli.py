"""The ``nao`` command: what it prints, and its exit codes."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app


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

"""What each estimator of a table was given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.config import load
from nao.plan import expand
from nao.provenance.budgets import budgets
from nao.provenance.lineage import LineageError, lineage
from nao.provenance.schema import read_record, record_path

GALLERY = Path(__file__).parents[2] / "results" / "gallery"


def test_a_table_s_estimators_with_their_data_and_time(bench: Workbench):
    given = budgets(lineage(bench.path("table")))
    plan = bench.plan
    assert len(given) == 2 * len(plan.experiments["noise"].points)
    learned = given[given["estimator"] == "heldout"]
    for point, (_, row) in zip(plan.experiments["noise"].points, learned.iterrows(), strict=True):
        name = point.runs["heldout"]
        run = plan.runs[name]
        assert row["contexts"] == run.dataset.train_contexts
        assert row["rows"] == run.dataset.context_length
        assert row["more"] == run.dataset.context_length  # rows outside, as many
        assert row["drawn"] == run.training.steps * run.training.batch_contexts
        spent = [
            read_record(record_path(bench.tree, f"runs/{name}/{made}")).execution.cpu_seconds
            for made in ("model.safetensors", "scores.parquet")
        ]
        assert row["seconds"] == pytest.approx(sum(spent) / run.dataset.replicates)
    ridge = given[given["estimator"] == "ridge"]
    assert ridge[["contexts", "rows", "more", "told", "drawn"]].isna().all(axis=None)


def test_what_learns_from_contexts_and_what_is_told_the_law_or_w():
    plan = expand(load(GALLERY.parents[1] / "config.yaml", {"scale": "laptop"}))
    data = plan.datasets[plan.experiments["training_length"].points[0].dataset]
    given = budgets(lineage(GALLERY / "experiments" / "training_length.parquet"))
    rows = given.groupby("estimator", sort=False).first()
    classical = rows.loc[["empirical_bayes"], ["contexts", "rows", "more"]]
    assert classical.to_numpy().tolist() == [[data.train_contexts, data.context_length, 0]]
    assert rows["told"].dropna().to_dict() == {"oracle_ridge": "law", "supervised": "w"}
    assert rows.loc["misfit", "more"] == 0


def test_the_command_shows_every_estimator_whole(bench: Workbench):
    shown = CliRunner().invoke(app, ["budgets", str(bench.path("table"))], env={"COLUMNS": "20"})
    assert shown.exit_code == 0
    plan = bench.plan
    run = plan.runs[plan.experiments["noise"].points[0].runs["heldout"]]
    drawn = run.training.steps * run.training.batch_contexts
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("heldout "))
    assert f" {drawn} " in line
    as_json = CliRunner().invoke(app, ["budgets", str(bench.path("png")), "--json"])
    assert [each["estimator"] for each in json.loads(as_json.stdout)["given"]].count("ridge") == 2


def test_what_rests_on_no_scores_is_refused(bench: Workbench):
    with pytest.raises(LineageError, match="rests on no scores; name an experiment's table"):
        budgets(lineage(bench.path("model")))
    refused = CliRunner().invoke(app, ["budgets", str(bench.path("model"))])
    assert refused.exit_code == 2

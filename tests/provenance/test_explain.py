"""What would be made anew, why, and at what cost."""

import json

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance.explain import newly_planned, rebuilds, total_hours
from nao.provenance.schema import read_record


def test_nothing_is_made_anew_where_all_is_verified(bench: Workbench):
    assert rebuilds(bench.audit()) == []
    assert newly_planned(bench.plan, bench.tree, bench.audit()) == []


def test_a_changed_function_reaches_all_that_was_made_from_it(bench: Workbench):
    bench.edit("workflow/scripts/evaluate_baseline.py", "0.1 * np.eye", "0.2 * np.eye")
    jobs = rebuilds(bench.audit())
    rules = [job.rule for job in jobs]
    assert sorted(rules) == sorted(
        ["evaluate_baseline"] * 2 + ["tabulate_experiment", "draw_figure", "judge_claims"]
    )
    assert rules.index("tabulate_experiment") > max(
        index for index, rule in enumerate(rules) if rule == "evaluate_baseline"
    )
    first = jobs[0].reasons
    assert [reason.text for reason in first] == [
        "workflow/scripts/evaluate_baseline.py changed in main"
    ]
    figure = next(job for job in jobs if job.rule == "draw_figure")
    assert sorted(figure.outputs) == ["figures/fig3.pdf", "figures/fig3.png"]


def test_the_cost_is_the_recorded_one(bench: Workbench):
    def cost(record: dict) -> None:
        record["execution"].update(cpu_seconds=5400.0, wall_seconds=1800.0)
        record["environment"].update(device="an accelerator", cuda="12.8")

    bench.forge("png", cost)
    bench.forge("pdf", cost)
    bench.edit("nao/drawing.py", '"noise"', '"σ"')
    core, gpu, unknown = total_hours(rebuilds(bench.audit()))
    assert (core, gpu, unknown) == (1.5, 0.5, 0)


def test_a_new_point_costs_what_its_like_cost(bench: Workbench):
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1, 0.3, 1.0]")
    jobs = newly_planned(bench.plan, bench.tree, bench.audit())
    assert [job.rule for job in jobs] == ["make_dataset", "train", "evaluate_baseline"]
    costs = [
        read_record(bench.record(word)).execution.cpu_seconds / 3600 for word in ("model", "model2")
    ]
    assert jobs[1].core_hours == max(costs)


def test_an_artefact_without_a_record_has_an_unknown_cost(bench: Workbench):
    bench.record("png").unlink()
    (job,) = rebuilds(bench.audit())
    assert (job.rule, job.core_hours) == ("unknown", None)


def test_the_command(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(bench.clone)
    assert "Nothing would be made anew" in CliRunner().invoke(app, ["explain"]).stdout
    bench.edit("nao/drawing.py", '"noise"', '"σ"')
    shown = CliRunner().invoke(app, ["explain", "results/laptop/figures/fig3.png"])
    assert "code: nao/drawing.py changed in label" in shown.stdout
    content = json.loads(CliRunner().invoke(app, ["explain", "--json"]).stdout)
    assert [job["rule"] for job in content["jobs"]] == ["draw_figure"]

"""What would be made anew, why, and at what cost."""

import json

import pytest
from typer.testing import CliRunner
from workbench import Workbench

from nao.cli import app
from nao.provenance.audit import audit
from nao.provenance.clone import today_at
from nao.provenance.explain import astray, makers_in, newly_planned, rebuilds, total_seconds
from nao.provenance.schema import read_record
from nao.provenance.view import duration


def test_nothing_is_made_anew_where_all_is_verified(bench: Workbench):
    assert rebuilds(bench.audit()) == []
    assert newly_planned(makers_in(bench.plan), bench.tree, bench.audit(), []) == []


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
    core, gpu, unknown = total_seconds(rebuilds(bench.audit()))
    assert (core, gpu, unknown) == (5400, 1800, 0)


def test_a_new_point_costs_what_its_like_cost(bench: Workbench):
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1, 0.3, 1.0]")
    result = bench.audit()
    jobs = newly_planned(makers_in(bench.plan), bench.tree, result, rebuilds(result))
    assert sorted(job.rule for job in jobs) == [
        *("evaluate_baseline", "evaluate_run", "make_dataset", "train")
    ]
    assert {reason.text for job in jobs for reason in job.reasons} == {"is not made yet"}
    costs = [read_record(bench.record(word)).execution.cpu_seconds for word in ("model", "model2")]
    (training,) = (job for job in jobs if job.rule == "train")
    assert training.core_seconds == max(costs)


def test_all_that_is_planned_upstream_is_told_for_one_file(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    bench.edit("config.yaml", "[0.1, 0.3]", "[0.1, 0.3, 1.0]")
    monkeypatch.chdir(bench.clone)
    told = CliRunner().invoke(app, ["explain", "results/laptop/figures/fig3.png", "--json"])
    jobs = json.loads(told.stdout)["jobs"]
    assert sorted(job["rule"] for job in jobs) == [
        *("draw_figure", "evaluate_baseline", "evaluate_run", "make_dataset"),
        *("tabulate_experiment", "train"),
    ]


def test_a_figure_that_was_never_made_is_a_job(bench: Workbench):
    for word in ("png", "pdf"):
        bench.path(word).unlink()
        bench.record(word).unlink()
    result = audit([bench.path("png")], today_at(bench.clone))
    assert rebuilds(result) == []
    assert astray(makers_in(bench.plan), bench.tree, result) == []
    (job,) = newly_planned(makers_in(bench.plan), bench.tree, result, [])
    assert (job.rule, job.outputs) == ("draw_figure", ["figures/fig3.png"])


def test_what_is_neither_there_nor_planned_is_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(bench.clone)
    refused = CliRunner().invoke(app, ["explain", "results/laptop/figures/nosuch.png"])
    assert refused.exit_code != 0
    assert "nosuch.png is not there, and no job makes it" in refused.stderr


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.04, "0.04 s"),
        (4.68, "4.7 s"),
        (119, "119 s"),
        (130, "2.2 min"),
        (9e4, "25 h"),
    ],
)
def test_times_are_told_in_their_unit(seconds: float, told: str):
    assert duration(seconds) == told


def test_an_artefact_without_a_record_has_an_unknown_cost(bench: Workbench):
    bench.record("png").unlink()
    (job,) = rebuilds(bench.audit())
    assert (job.rule, job.core_seconds) == ("unknown", None)


def test_the_command(bench: Workbench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(bench.clone)
    assert "Nothing would be made anew" in CliRunner().invoke(app, ["explain"]).stdout
    bench.edit("nao/drawing.py", '"noise"', '"σ"')
    shown = CliRunner().invoke(app, ["explain", "results/laptop/figures/fig3.png"])
    assert "code: nao/drawing.py changed in label" in shown.stdout
    content = json.loads(CliRunner().invoke(app, ["explain", "--json"]).stdout)
    assert [job["rule"] for job in content["jobs"]] == ["draw_figure"]

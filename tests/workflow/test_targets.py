"""What a Snakemake user types."""

import pytest

from nao.config import load
from nao.jobs import RULES, Job
from nao.plan import expand
from nao.provenance.schema import record_path
from tests.workflow.clone import Clone


@pytest.mark.parametrize(
    ("target", "figures", "experiments"),
    [
        ("fig1", {"fig1"}, set()),
        ("fig2", {"fig2"}, {"contexts"}),
        ("fig3", {"fig3"}, {"noise", "task_dimension", "condition", "context_length"}),
        ("fig4", {"fig4"}, {"depth"}),
        ("fig5", {"fig5"}, {"priors", "noise_laws", "noise_spread", "experts"}),
        ("fig6", {"fig6"}, {"ablations"}),
        ("fig7", {"fig7"}, {"training_length"}),
        ("figures", {"fig1", "fig2", "fig3", "fig7"}, None),
        ("claims", set(), None),
    ],
)
@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_targets_plan_what_they_need(finished, target, figures, experiments, scale):
    jobs = finished.planned(target, "--forceall", config=(f"scale={scale}",))
    drawn = {job.wildcards for job in jobs if job.rule == "draw_figure"}
    assert drawn == {f"figure={figure}" for figure in figures}
    tables = {job.wildcards for job in jobs if job.rule == "tabulate_experiment"}
    if experiments is None:
        assert len(tables) == 7
    else:
        assert tables == {f"experiment={name}" for name in experiments}


def test_the_rules_read_what_the_audit_takes_for_their_inputs(tmp_path):
    sources = Clone.of_sources(tmp_path / "clone")
    plan = expand(load(sources.folder / "config.yaml", {"scale": "smoke"}))
    jobs = sources.planned("all", "--forceall")
    assert {job.rule for job in jobs} == RULES.keys()
    for job in jobs:
        wildcards = dict(each.split("=", 1) for each in job.wildcards.split(", "))
        reads = Job(plan, job.rule, wildcards).reads
        records = {record_path("results/smoke", path).as_posix() for path in reads}
        assert job.inputs == {f"results/smoke/{path}" for path in reads} | records, str(job)


def test_words_that_begin_as_a_figure_are_no_targets_where_snakemake_takes_values(
    finished, tmp_path
):
    folder = tmp_path / "figures2"
    jobs = finished.planned("--directory", str(folder), "fig1")
    assert {job.wildcards for job in jobs if job.rule == "draw_figure"} == {"figure=fig1"}
    finished.make("figures", "--report", str(tmp_path / "figout.html"))


def test_snakemakes_report_shows_the_figures_with_their_captions(finished, tmp_path):
    page = tmp_path / "report.html"
    finished.make("figures", "--report", str(page))
    text = page.read_text()
    assert "Does the transformer hold the prior?" in text
    assert "How many training contexts does it take?" in text
    assert "How does the error scale?" in text

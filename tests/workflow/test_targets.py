"""What a Snakemake user types."""

import csv

import pytest

from nao.config import load
from nao.jobs import planned
from nao.plan import expand
from nao.provenance.schema import record_path


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


def test_the_rules_read_what_the_audit_takes_for_their_inputs(finished):
    config = finished.folder / "config.yaml"
    jobs = {
        path: job
        for job in planned(expand(load(config, {"scale": "smoke"})))
        for path in job.outputs.values()
    }
    told = finished.make("figures", "--forceall", "--detailed-summary").splitlines()
    head = next(i for i, line in enumerate(told) if line.startswith("output_file\t"))
    made = {}
    for row in csv.DictReader(told[head:], delimiter="\t"):
        name = row["output_file"].removeprefix("results/smoke/")
        if name in jobs and row["date"] != "-":  # whose inputs are told
            made[name] = {each for each in row["input-file(s)"].split(",") if each}
    assert len({jobs[name].rule for name in made}) == 9  # all but those of other figures
    for name, inputs in made.items():
        reads = jobs[name].reads
        records = [record_path("results/smoke", path).as_posix() for path in reads]
        assert inputs == {f"results/smoke/{path}" for path in reads} | {*records}, name


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

"""What is made again after an edit: exactly what depends on it."""

import os
import re

import pytest
from snakemake.cli import parse_size_in_bytes

from tests.workflow.clone import Job

ALL_RULES = {
    "make_dataset",
    "train",
    "evaluate_run",
    "extract_prior",
    "evaluate_baseline",
    "tabulate_experiment",
    "tabulate_moments",
    "draw_figure",
    "judge_claims",
}


def rules(jobs: list[Job]) -> set[str]:
    return {job.rule for job in jobs}


def texts(jobs: list[Job], *names: str) -> list[str]:
    """The jobs of some rules, without the hash that ends an identity."""
    return sorted(str(job).rpartition("-")[0] for job in jobs if job.rule in names)


def test_nothing_after_a_finished_run(clone):
    assert clone.planned() == []


def test_nothing_after_files_are_touched(clone):
    for file in [*clone.folder.glob("nao/*.py"), *clone.folder.glob("workflow/scripts/*.py")]:
        os.utime(file)
    assert clone.planned() == []


def test_nothing_after_data_are_touched_or_copied_whatever_their_size(clone):
    for file in clone.results.glob("datasets/*/*.parquet"):
        file.write_bytes(file.read_bytes())
    assert clone.planned() == []
    profile = clone.folder / "profiles" / "default" / "profile.yaml"
    (limit,) = re.findall(r"max-checksum-file-size: (\S+)", profile.read_text())
    assert parse_size_in_bytes(limit) > 10**15 / 2  # and ours have a gigabyte at most


def test_nothing_after_comments_docstrings_and_layout_change(clone):
    clone.edit("nao/tasks/problems.py", '"""Task distributions', '"""The laws of tasks')
    clone.edit("nao/seeding.py", "import hashlib\n", "# Why a hash: see below.\n\nimport hashlib\n")
    clone.edit("workflow/scripts/train.py", "spec = ", "# What to train.\nspec = ")
    assert clone.planned() == []


def test_nothing_after_a_change_of_place_or_of_threads(clone):
    clone.edit("config.yaml", "# for tests of the workflow, not for conclusions\n", "\n")
    clone.edit(
        "config.yaml",
        "  smoke:  \n    compute: { device: cpu, threads: 1 }".replace(":  ", ": "),
        "  smoke:\n    compute: { device: cpu, threads: 2 }",
    )
    assert clone.planned() == []


@pytest.mark.parametrize(
    ("module", "old", "new", "spared"),
    [
        pytest.param(
            "nao/estimators/lasso.py",
            "kept = n - max(n // 5, 1)",
            "kept = n - max(1, n // 5)",
            {"make_dataset", "train", "evaluate_run", "extract_prior", "tabulate_moments"},
            id="a baseline",
        ),
        pytest.param(
            "nao/analysis/recovery.py",
            '"rank": prior.rank or None',
            '"rank": prior.rank if prior.rank else None',
            {"make_dataset", "train", "evaluate_run", "evaluate_baseline", "tabulate_experiment"},
            id="prior extraction",
        ),
        pytest.param(
            "nao/training/objectives.py",
            "import",
            "import sys  # noqa\nimport",
            {"make_dataset", "evaluate_baseline"},
            id="an objective",
        ),
        pytest.param(
            "nao/claims/markdown.py",
            '"## Verdicts\\n"',
            '"## The verdicts\\n"',
            ALL_RULES - {"judge_claims"},
            id="the claims",
        ),
    ],
)
def test_a_function_reruns_the_rules_that_use_it_and_what_they_feed(
    clone, module, old, new, spared
):
    if old == "import":  # any statement of the module will do
        file = clone.folder / module
        file.write_text(file.read_text() + "\n\nNEW_CONSTANT = 1\n")
    else:
        clone.edit(module, old, new)
    assert rules(clone.planned()) == ALL_RULES - spared


def test_a_value_of_one_learner_retrains_it_alone(clone):
    look = "    look: { color: vermillion, marker: o, line: dashed, filled: false }\n"
    clone.edit(
        "config.yaml",
        look + "    training: { objective: misfit, row_symmetry: none }",
        look + "    training: { objective: misfit, row_symmetry: rotate }",
    )
    jobs = clone.planned()
    assert rules(jobs) == {
        *("train", "evaluate_run", "tabulate_experiment", "draw_figure", "judge_claims")
    }
    assert texts(jobs, "train", "evaluate_run") == [
        f"{rule} run=d8-n4-r1-s0.1-k1-N{count}-transformer-misfit_plain"
        for rule in ("evaluate_run", "train")
        for count in (100, 200)
    ]
    assert [str(job) for job in jobs if job.rule in ("tabulate_experiment", "draw_figure")] == [
        "tabulate_experiment experiment=contexts",
        "draw_figure figure=fig2",
    ]


def test_a_learners_label_redraws_and_computes_nothing(clone):
    clone.edit("config.yaml", "label: NAO misfit, stored", "label: NAO by the misfit")
    jobs = clone.planned()
    assert rules(jobs) == {"draw_figure", "judge_claims"}
    assert [str(job) for job in jobs if job.rule == "draw_figure"] == ["draw_figure figure=fig2"]


def test_a_new_point_of_a_sweep_is_trained_alone(clone):
    clone.edit("config.yaml", "      noise: [0.1, 0.3]", "      noise: [0.1, 0.3, 0.5]")
    jobs = clone.planned()
    assert texts(jobs, "make_dataset") == ["make_dataset dataset=d8-n4-r1-s0.5-k1-N200"]
    assert texts(jobs, "train") == [
        f"train run=d8-n4-r1-s0.5-k1-N200-transformer-{learner}"
        for learner in ("heldout", "misfit", "paper", "paper_permuted", "r2r", "sure")
    ]
    assert [str(job) for job in jobs if job.rule in ("tabulate_experiment", "draw_figure")] == [
        "tabulate_experiment experiment=noise",
        "draw_figure figure=fig3",
    ]


def test_a_style_edit_redraws_and_leaves_every_table_as_it_was(clone):
    before, drawn = clone.hashes(".parquet", ".md"), clone.hashes(".png")
    clone.edit("nao/figures/style.py", '= "#000000", ', '= "#220000", ')
    assert rules(clone.planned()) == {"draw_figure"}
    clone.make("fig1", "fig2")
    after = clone.hashes(".png")
    assert after["figures/fig1.png"] != drawn["figures/fig1.png"]
    assert after["figures/fig2.png"] != drawn["figures/fig2.png"]
    assert clone.hashes(".parquet", ".md") == before

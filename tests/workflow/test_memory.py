"""Records decide what is made anew, whatever Snakemake remembers and whenever files were made."""

import os
import re
import shutil

import yaml

from nao.config import load
from nao.figures import FIGURES
from nao.jobs import RULES, Job, planned
from nao.plan import expand
from nao.provenance.schema import record_path
from tests.workflow.clone import Clone

STATED = re.compile(
    r"^(?:local)?rule (\w+):\n(?:    input: (.*)\n)?    output: (.*)$", re.MULTILINE
)


def copied(clone: Clone) -> Clone:
    """As a colleague's copy: no memory of Snakemake's, and dates in an order of their own."""
    shutil.rmtree(clone.folder / ".snakemake")
    for age, path in enumerate(sorted(clone.results.rglob("*"))):
        os.utime(path, (1.6e9 + age, 1.6e9 + age))
    return clone


def test_a_copy_without_memory_is_made_anew_only_where_records_say_so(clone: Clone):
    assert copied(clone).planned() == []
    clone.edit("nao/figures/style.py", '= "#000000", ', '= "#220000", ')
    assert {job.rule for job in clone.planned()} == {"draw_figure"}


def test_memory_that_the_records_contradict_is_set_right(clone: Clone):
    for notes in (clone.folder / ".snakemake" / "metadata").rglob("*"):
        if notes.is_file():
            notes.write_text(notes.read_text().replace('"params": [', '"params": ["1", '))
    assert clone.planned() == []


def test_a_file_without_its_record_is_made_anew_and_what_it_feeds(clone: Clone):
    record_path(clone.results, "claims.md").unlink()
    assert [str(job) for job in copied(clone).planned()] == ["judge_claims claims=claims"]


def test_rules_read_and_make_what_the_audit_expects(finished: Clone):
    values = yaml.safe_load((finished.folder / "config.yaml").read_text())
    plan = expand(load(values | {"scale": "smoke"}))
    jobs = {frozenset(job.outputs.values()): job for job in planned(plan)}
    shown = finished.snakemake("--dry-run", "--forceall", "figures", *FIGURES).stdout
    stated = [
        (rule, *(_files(paths) for paths in (inputs, outputs)))
        for rule, inputs, outputs in STATED.findall(shown)
    ]
    assert len(stated) > 50
    for rule, inputs, outputs in stated:
        if outputs in jobs:
            job: Job = jobs[outputs]
            assert (rule, inputs) == (job.rule, set(job.reads))
    assert {rule for rule, _, outputs in stated if outputs in jobs} == set(RULES)


def _files(paths: str) -> frozenset[str]:
    """Paths in the tree, without those of records."""
    plain = (path.removesuffix(" (update)") for path in paths.split(", "))
    inner = (path.removeprefix("results/smoke/") for path in plain)
    return frozenset(path for path in inner if path and not path.startswith("records/"))

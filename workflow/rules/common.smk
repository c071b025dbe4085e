"""The plan that all rules serve, and what they have in common."""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

from nao.config import ConfigError, expand, load
from nao.estimators import ESTIMATORS
from nao.provenance.fingerprint import code_fingerprint

STARTED = time.time()
# The tables that each figure draws, as in nao.figures, which is too slow to import here.
FIGURES = {
    "fig1": ["prior_moments"],
    "fig2": ["contexts"],
    "fig3": ["noise", "task_dimension", "condition", "context_length"],
    "fig7": ["training_length"],
    "recipe": [
        "recipe_layers",
        "recipe_learning_rate",
        "recipe_norm_rate",
        "recipe_code",
        "recipe_code_share",
        "recipe_batch",
        "recipe_variants",
    ],
}


def refuse(sentence):
    """End with one sentence, before any work has started."""
    sys.exit(f"error: {sentence}")


def checked_plan(config):
    try:
        plan = expand(load(config))
    except ConfigError as fault:
        refuse(fault)
    for name in plan.baselines:
        if name not in ESTIMATORS:
            refuse(f"baselines: {name!r} is no estimator; choose among {', '.join(ESTIMATORS)}")
    for word in sys.argv[1:]:
        if re.fullmatch(r"fig\w*", word) and word not in {*FIGURES, "figures"}:
            refuse(
                f"{word} is no figure of this project; choose among figures, {', '.join(FIGURES)}"
            )
    for figure, tables in FIGURES.items():
        for name in {table.removesuffix("_moments") for table in tables}:
            if name not in plan.experiments:
                refuse(f"config.yaml has no experiments.{name}, which {figure} draws; add it")
    for folder in (Path("results"), Path("results", plan.scale)):
        if folder.exists() and not folder.is_dir():
            refuse(f"{folder} is no folder, so results cannot be written; move it away")
    return plan


PLAN = checked_plan(config)
RESULTS = f"results/{PLAN.scale}"
# Scripts import the nao of this clone, whichever the environment has installed.
os.environ.update(PYTHONPATH=str(workflow.basedir))


wildcard_constraints:
    dataset="|".join(PLAN.datasets),
    run="|".join(PLAN.runs),
    estimator="|".join(PLAN.baselines),
    experiment="|".join(PLAN.experiments),
    figure="|".join(FIGURES),


def code(rule):
    """Fingerprint of a rule's script and of all that it imports of ours: Snakemake sees neither."""
    return code_fingerprint(Path(workflow.basedir, "workflow/scripts", f"{rule}.py"))


def as_values(spec):
    """A specification as built-in values: Snakemake does not follow changes in other objects."""
    return spec.model_dump(mode="json")


# The tables that each claim is judged by, as in nao.claims.
CLAIM_TABLES = [
    "prior",
    *(table for figure in ("fig1", "fig2", "fig3", "fig7") for table in FIGURES[figure]),
]


def dataset_file(role, dataset):
    return f"{RESULTS}/datasets/{dataset}/{role}.parquet"


def run_file(name, run):
    return f"{RESULTS}/runs/{run}/{name}"


def table_file(name):
    return f"{RESULTS}/experiments/{name}.parquet"


def figure_files(*figures):
    return [f"{RESULTS}/figures/{figure}.{kind}" for figure in figures for kind in ("pdf", "png")]


def seen_by(wildcards):
    """The data that an estimator uses, beside the test contexts: what it does not, it never gets."""
    estimator = ESTIMATORS[wildcards.estimator]
    roles = ["test"]
    roles += ["train"] if estimator.needs_training else []
    roles += ["truth"] if estimator.needs_truth else []
    return {role: dataset_file(role, wildcards.dataset) for role in roles}


def points_of(experiment):
    return PLAN.experiments[experiment].points


def datasets_of(experiment):
    return {point.dataset: PLAN.datasets[point.dataset] for point in points_of(experiment)}


def runs_of(experiment):
    return [run for point in points_of(experiment) for run in point.runs.values()]


def scores_of(wildcards):
    """The scores of every estimator at every point of an experiment; shared points once."""
    return [run_file("scores.parquet", run) for run in runs_of(wildcards.experiment)] + [
        f"{RESULTS}/baselines/{dataset}/{estimator}/scores.parquet"
        for dataset in datasets_of(wildcards.experiment)
        for estimator in PLAN.baselines
    ]


def learners_of(tables):
    """Label and look of the learners in these tables, in the order of the configuration."""
    experiments = {table.removesuffix("_moments") for table in tables}
    names = {name for each in experiments for point in points_of(each) for name in point.runs}
    return {
        name: learner.model_dump(mode="json", include={"label", "look"})
        for name, learner in PLAN.learners.items()
        if name in names
    }


def require_writable(folder):
    """Refuse to start where results could not be written."""
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as fault:
        refuse(f"{folder} cannot be written ({fault.strerror}); make it writable or move it away")


def require_device(workflow):
    """Refuse to start trainings on a GPU where this machine, which would run them, has none."""
    trainings = any(job.rule.name == "train" for job in workflow.dag.needrun_jobs())
    if PLAN.compute.device == "cuda" and trainings and workflow.local_exec:
        import torch

        if not torch.cuda.is_available():
            refuse(
                f"scales.{PLAN.scale}.compute.device = 'cuda', but PyTorch finds no GPU here; "
                "run on a machine with one, or set it to cpu"
            )


def explain_failures(folder):
    """Each sentence that failed jobs left as the last line of their logs, once."""
    faults = {}
    for log in sorted(Path(folder, "logs").rglob("*.log")):
        lines = log.read_text().splitlines() if log.stat().st_mtime >= STARTED else []
        if lines and lines[-1].startswith("error: "):
            _, where, sentence = lines[-1].split(": ", 2)
            faults.setdefault(sentence, []).append((where, log))
    for sentence, places in faults.items():
        (where, log), others = places[0], len(places) - 1
        more = f" and {others} other jobs" if others else ""
        print(f"error: {where}{more}: {sentence} (details: {log})", file=sys.stderr)

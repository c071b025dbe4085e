"""The plan that all rules serve, and what they have in common."""

import atexit
import os
import re
import sys
import tempfile
from pathlib import Path

from snakemake.cli import get_argument_parser

from nao.config import ConfigError, load
from nao.demands import require
from nao.figures import FIGURES
from nao.folder import Occupied, occupy
from nao.jobs import RULES, Job, wildcards
from nao.models.native import NativeError, resolve
from nao.plan import expand
from nao.provenance.fingerprint import code_fingerprint, foreign_modules
from nao.provenance.packages import installed
from nao.provenance.schema import record_path
from nao.requests import request
from nao.targets import CLAIMS, DEFAULT_FIGURES


def refuse(sentence):
    """End with one sentence, before any work has started."""
    sys.exit(f"error: {sentence}")


def take_folder():
    """One run a folder, from here to the end of the process; plans and reports may look on."""
    looking_on = r"-\w*n\w*|--(dry-?run|unlock|report|lint|list.*|.*graph|dag|summary|.*summary)"
    jobs_own = not workflow.is_main_process
    if jobs_own or any(re.fullmatch(looking_on, word) for word in sys.argv[1:]):
        return None
    try:
        return occupy(Path.cwd())
    except Occupied as fault:
        refuse(fault)


def checked_plan():
    given = workflow.config_settings
    sources = [*given.configfiles, dict(given.config)]
    try:
        plan = expand(load(*([] if given.replace_workflow_config else [CONFIG]), *sources))
        require(plan)
    except ConfigError as fault:
        refuse(fault)
    for folder in (Path("results"), Path("results", plan.scale)):
        if folder.is_symlink() and not folder.exists():
            refuse(f"{folder} is a link to {os.readlink(folder)}, which is not there; make it")
        if folder.exists() and not folder.is_dir():
            refuse(f"{folder} is no folder, so results cannot be written; move it away")
    return plan


FOLDER = take_folder()
# Of the working folder, as a user's own; else the clone's. Read here, since Snakemake's reader takes
# the last of two equal keys and `yes` for 1.
CONFIG = "config.yaml" if Path("config.yaml").is_file() else f"{workflow.basedir}/config.yaml"
PLAN = checked_plan()
RESULTS = f"results/{PLAN.scale}"
# Scripts import the nao of this clone, whichever the environment has installed, and draw to files,
# whatever shows the pictures where they were started, as a notebook does.
os.environ.update(PYTHONPATH=str(workflow.basedir), MPLBACKEND="agg")


def kernel():
    """What evaluates transformers in every job, which inherit the answer: no study mixes two."""
    try:
        return os.environ.setdefault("NAO_KERNEL", resolve(PLAN.compute.kernel))
    except NativeError as fault:
        refuse(fault)


KERNEL = kernel()


wildcard_constraints:
    **{name: "|".join(map(re.escape, values)) for name, values in wildcards(PLAN).items()},


def in_results(paths):
    """A path in the tree, or several, as Snakemake knows them."""
    return f"{RESULTS}/{paths}" if isinstance(paths, str) else [in_results(each) for each in paths]


def records(paths):
    """The records of files in the tree."""
    inner = [Path(path).relative_to(RESULTS) for path in paths]
    return [record_path(RESULTS, path).as_posix() for path in inner]


def recorded(**outputs):
    """The outputs of a rule with the records that its jobs leave of them."""
    return outputs | {"records": records(outputs.values())}


def kept(**outputs):
    """The same, where those of an earlier making are put back if the job fails."""
    made = recorded(**outputs)
    return {
        name: [update(each) for each in paths] if isinstance(paths, list) else update(paths)
        for name, paths in made.items()
    }


def made(rule):
    """The outputs of a rule, by name."""
    return {name: in_results(path) for name, path in RULES[rule].outputs.items()}


def read(rule):
    """The inputs of a rule's job with their records, by name, from its wildcards."""

    def inputs(wildcards):
        job = Job(PLAN, rule, dict(wildcards.items()))
        # Records go with their files wherever a job runs, and are no reason to run one.
        beside = [ancient(path) for path in records(in_results(job.reads))]
        return {name: in_results(each) for name, each in job.inputs.items()} | {"records": beside}

    return inputs


def given(rule):
    """What a rule's job is given, by what code of ours and with which versions of others'.

    As one value, since Snakemake compares params without their names: swapped ones go unseen.
    """
    script = Path(workflow.basedir, "workflow/scripts", f"{rule}.py")
    try:
        run = {"code": code_fingerprint(script), "packages": installed(foreign_modules(script))}
    except ValueError as fault:
        refuse(fault)
    return lambda wildcards: run | Job(PLAN, rule, dict(wildcards.items())).params


def figure_files(*figures):
    paths = made("draw_figure").values()
    return [path.format(figure=figure) for figure in figures for path in paths]


def asked(rule):
    """What a rule's jobs ask of a machine, more with each attempt."""

    def at(wildcards, attempt):
        return request(PLAN, rule, **dict(wildcards.items())).at(attempt)

    return {
        "mem_mb": lambda wildcards, attempt: at(wildcards, attempt).memory,
        "runtime": lambda wildcards, attempt: at(wildcards, attempt).runtime,
        "turn": 1,  # profiles/slurm gives one to a group's members, who run one after another
    }


def refuse_unknown_targets(workflow):
    """Refuse a word that is no target: Snakemake would speak of a missing rule for a file."""
    if not workflow.is_main_process or Path(sys.argv[0]).name not in ("snakemake", "__main__.py"):
        return
    known = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
    # Snakemake tells them only when all rules are read.
    for target in get_argument_parser().parse_known_args(sys.argv[1:])[0].targets:
        if re.fullmatch(r"\w+", target) and target not in known:
            refuse(f"{target} is no target; choose among {', '.join(known)}, or name a file")


def require_writable(workflow):
    """Refuse to start where jobs could not write what they make or say: Snakemake itself would end."""
    jobs = workflow.dag.needrun_jobs()
    folders = {Path(file).parent for job in jobs for file in (*job.output, *job.log)}
    there = {next(filter(os.path.lexists, (each, *each.parents))) for each in folders}
    for folder in sorted(there):
        try:
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as fault:
            refuse(
                f"{folder} cannot be written ({fault.strerror}); make it writable or move it away"
            )


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


def explain_failures(workflow):
    """Why jobs failed, each reason once, as the last lines of all that Snakemake prints."""
    failed = getattr(workflow.scheduler, "failed", ())
    jobs = [job for each in failed for job in (each if each.is_group() else [each])]
    faults = {}
    for job in sorted(jobs, key=str):
        faults.setdefault(why_failed(job), []).append(job)
    for sentence, alike in faults.items():
        where = " ".join([alike[0].rule.name, *alike[0].wildcards])
        more = f" and {len(alike) - 1} other jobs" if len(alike) > 1 else ""
        details = "".join(f" (details: {log})" for log in alike[0].log[:1])
        atexit.register(print, f"error: {where}{more}: {sentence}{details}", file=sys.stderr)


def why_failed(job):
    """The sentence that its script left as the last line of its log, else what the log shows."""
    try:
        lines = Path(job.log[0]).read_text(encoding="utf-8", errors="replace").splitlines()
    except (IndexError, OSError):
        lines = []
    if not lines:
        return "it ended before it wrote to its log: killed, or with a fault that stands above"
    if lines[-1].startswith("error: "):
        return lines[-1].split(": ", 2)[-1]
    return f"it was ended from outside, as where memory runs out; its last words: {lines[-1]}"

"""Make artefacts again in a scratch folder, and say whether the same came out.

Every job is made by itself, from the inputs that the tree holds: if each repeats, so does the
chain. What is made is held against the file of the tree:

same        every byte is equal
tolerated   the scores of every replicate moved by less than the standard deviation over replicates
            in the tree: as little as another draw of contexts and initialisation would move them
differs     neither
not made    the job did not run; the reason is told

Weights and losses of a training are not compared number by number, since they may part on other
hardware and yet estimate equally well: it is judged by the scores of its run, made from it anew.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from nao.provenance.hashing import sha256_of
from nao.provenance.lineage import Lineage
from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.schema import Record, read_record, record_path

SOURCES = ("Snakefile", "profiles", "workflow", "nao", "config.yaml", "envs", "pyproject.toml")
GROUP = ["estimator", "metric", "experiment", "value", "source"]


class Outcome(StrEnum):
    """See the module's table."""

    SAME = "same"
    TOLERATED = "tolerated"
    DIFFERS = "differs"
    NOT_MADE = "not made"


@dataclass
class Repetition:
    """One job made again: the outcome by artefact, and what it was judged by."""

    rule: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


# (clone in the scratch folder, its results tree, record of the job, paths to make) → None;
# raises subprocess.CalledProcessError or OSError if the job fails
Maker = Callable[[Path, Path, Record, list[str]], None]


def sample(found: Lineage, count: int | None, rng: np.random.Generator) -> list[Record]:
    """The artefact's own job and others of its lineage, ``count`` in all; every one if None."""
    jobs: dict[tuple[str, ...], Record] = {}
    for record in found.records.values():
        if record is not None:
            jobs.setdefault(tuple(sorted(output.path for output in record.outputs)), record)
    own, *others = jobs.values()
    if count is None or count > len(others):
        return [own, *others]
    chosen = rng.choice(len(others), size=max(count - 1, 0), replace=False)
    return [own, *(others[index] for index in sorted(chosen))]


def with_snakemake(clone: Path, tree: Path, record: Record, targets: list[str]) -> None:
    """Run just this job (and the scores of a training) by the workflow of the scratch clone."""
    rules = [record.rule, "evaluate_run"] if record.rule == "train" else [record.rule]
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--quiet", "all", "--nolock"]
    command += ["--rerun-triggers", "mtime", "--config", f"scale={record.tree}"]
    command += ["--allowed-rules", *rules, "--"]
    command += [(tree / target).relative_to(clone).as_posix() for target in targets]
    subprocess.run(command, cwd=clone, check=True, capture_output=True, encoding="utf-8")


def repeat(
    records: Iterable[Record],
    base: Path,
    clone: Path,
    make: Maker = with_snakemake,
    report: Callable[[Record], None] = lambda record: None,
) -> list[Repetition]:
    """Make each job again and judge it; the tree ``base`` and the clone are only read.

    ``report`` is told of each before it is made.
    """
    done = []
    for record in records:
        report(record)
        done.append(_repeat(record, base, clone, make))
    return done


def _repeat(record: Record, base: Path, clone: Path, make: Maker) -> Repetition:
    done = Repetition(record.rule)
    targets = [output.path for output in record.outputs]
    scores = _scores_of(record)
    judged_by = [scores] if scores and (base / scores).is_file() else []
    with tempfile.TemporaryDirectory(prefix="nao-reproduce-") as folder:
        scratch = Path(folder) / "clone"
        tree = scratch / "results" / record.tree
        _copy_sources(clone, scratch)
        _copy_inputs(record, base, tree, judged_by)
        try:
            make(scratch, tree, record, [*targets, *judged_by])
        except (subprocess.CalledProcessError, OSError) as error:
            done.outcomes = dict.fromkeys(targets, Outcome.NOT_MADE)
            done.notes.append(_last_words(error))
            return done
        for target in targets:
            _judge(target, base, tree, judged_by, done)
    return done


def _scores_of(record: Record) -> str | None:
    run = record.wildcards.get("run")
    return f"runs/{run}/scores.parquet" if record.rule == "train" and run else None


def _copy_sources(clone: Path, scratch: Path) -> None:
    scratch.mkdir()
    for name in SOURCES:
        source = clone / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, scratch / name, ignore=ignored)
        elif source.is_file():
            shutil.copy2(source, scratch / name)


def _copy_inputs(record: Record, base: Path, tree: Path, judged_by: list[str]) -> None:
    """What the job reads; for the scores of a training also what their job reads."""
    wanted = {entry.path for entry in record.inputs if entry.place == "results"}
    if judged_by:
        made = {output.path for output in record.outputs}
        scored = read_record(record_path(base, judged_by[0]))
        wanted |= {entry.path for entry in scored.inputs if entry.place == "results"} - made
    files = [(base / path, tree / path) for path in wanted]
    # The workflow asks for the records of a job's inputs, too.
    files += [(record_path(base, path), record_path(tree, path)) for path in wanted]
    for source, copy in files:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)


def _judge(target: str, base: Path, tree: Path, judged_by: list[str], done: Repetition) -> None:
    if sha256_of(tree / target) == sha256_of(base / target):
        done.outcomes[target] = Outcome.SAME
        return
    compared = judged_by[0] if judged_by else target
    tolerated, text = within_spread(base / compared, tree / compared)
    done.outcomes[target] = Outcome.TOLERATED if tolerated else Outcome.DIFFERS
    done.notes.append(f"{target}: {text}" + (f" ({compared})" if judged_by else ""))


def within_spread(old: Path, new: Path) -> tuple[bool, str]:
    """Whether every replicate's score moved by less than the spread over replicates in ``old``."""
    if old.suffix != ".parquet":
        return False, "bytes differ, and there are no scores in it to compare"
    try:
        before, after = read_table(old), read_table(new)
    except UnreadableTable as error:
        return False, str(error)
    if not {"replicate", "score"} <= set(before.columns) or list(before) != list(after):
        return False, "bytes differ, and there are no scores in it to compare"
    keys = [key for key in GROUP if key in before]
    joined = before.merge(after, on=[*keys, "replicate"], suffixes=("", "_again"))
    if len(joined) != len(before) or len(after) != len(before):
        return False, "other points or replicates came out"
    moves = [_moved(rows) for _, rows in joined.groupby(keys, dropna=False)]
    worst = max(moves, default=0.0)
    if not np.isfinite(worst):
        return False, "scores moved where there is no spread over replicates to hold them against"
    return worst < 1, f"scores moved by up to {worst:.2g} standard deviations over replicates"


def _moved(rows: pd.DataFrame) -> float:
    """The largest move of a score, in standard deviations over replicates; infinite without any."""
    failed = rows["score"].isna() & rows["score_again"].isna()
    moved = (rows["score_again"] - rows["score"]).abs().mask(failed, 0.0).fillna(np.inf)
    if (moved == 0).all():
        return 0.0
    spread = rows["score"].std(ddof=1)
    return float(moved.max() / spread) if spread > 0 else np.inf


def _last_words(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stderr or error.stdout or "").splitlines() if line.strip()]
        told = [line for line in lines if line.startswith("error: ")] or lines
        return told[-1].strip() if told else f"exit code {error.returncode}"
    return str(error)

"""Artefacts made again: bitwise, within the spread over replicates, or not."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from workbench import Workbench

from nao.provenance.lineage import lineage
from nao.provenance.reproduce import Outcome, repeat, sample, within_spread
from nao.provenance.schema import Record


def by_the_bench(clone: Path, tree: Path, record: Record, targets: list[str]) -> None:
    """Run the jobs by the scripts of the scratch clone, as its workflow would."""
    bench = Workbench(clone)
    assert tree == bench.tree
    for task in bench.tasks():
        if set(task.outputs.values()) & set(targets):
            bench.make(task)


def test_every_job_of_a_figure_repeats_to_the_byte(bench: Workbench):
    before = {path: path.read_bytes() for path in bench.clone.rglob("*") if path.is_file()}
    found = lineage(bench.path("png"))
    done = repeat(
        sample(found, None, np.random.default_rng(0)), bench.tree, bench.clone, by_the_bench
    )
    assert len(done) == 10  # four a point, the table, the figure
    assert {outcome for job in done for outcome in job.outcomes.values()} == {Outcome.SAME}
    after = {path: path.read_bytes() for path in bench.clone.rglob("*") if path.is_file()}
    assert after == before


def test_a_sample_holds_the_own_job_and_is_drawn_by_its_seed(bench: Workbench):
    found = lineage(bench.path("png"))
    one = sample(found, 3, np.random.default_rng(1))
    assert len(one) == 3
    assert one[0].rule == "draw_figure"
    assert one == sample(found, 3, np.random.default_rng(1))
    assert len(sample(found, 99, np.random.default_rng(1))) == 10
    assert [record.rule for record in sample(found, 1, np.random.default_rng(1))] == ["draw_figure"]


@pytest.mark.parametrize(
    ("factor", "outcome"), [("1.000001", Outcome.TOLERATED), ("5", Outcome.DIFFERS)]
)
def test_a_training_is_judged_by_the_spread_of_its_scores(bench: Workbench, factor, outcome):
    # weights that part a little, as on other hardware, and weights that are others
    bench.edit("workflow/scripts/train.py", "weights.append(", f"weights.append({factor} * ")
    record = next(iter(lineage(bench.path("model")).records.values()))
    assert record is not None
    (job,) = repeat([record], bench.tree, bench.clone, by_the_bench)
    model = bench.path("model").relative_to(bench.tree).as_posix()
    assert job.outcomes[model] is outcome
    assert "standard deviations over replicates" in job.notes[0]


def test_other_code_gives_another_table(bench: Workbench):
    bench.edit("workflow/scripts/evaluate_baseline.py", "0.1 * np.eye", "0.2 * np.eye")
    record = next(iter(lineage(bench.path("ridge")).records.values()))
    assert record is not None
    (job,) = repeat([record], bench.tree, bench.clone, by_the_bench)
    assert list(job.outcomes.values()) == [Outcome.DIFFERS]
    assert "no spread over replicates" in job.notes[0]


def test_a_job_that_fails_is_not_made(bench: Workbench):
    def fails(clone: Path, tree: Path, record: Record, targets: list[str]) -> None:
        raise subprocess.CalledProcessError(1, "snakemake", stderr="much\nerror: no GPU here\nmore")

    record = next(iter(lineage(bench.path("model")).records.values()))
    assert record is not None
    (job,) = repeat([record], bench.tree, bench.clone, fails)
    assert set(job.outcomes.values()) == {Outcome.NOT_MADE}
    assert job.notes == ["error: no GPU here"]


def scores(path: Path, values: list[float]) -> Path:
    count = len(values)
    pd.DataFrame(
        {"estimator": ["nao"] * count, "metric": ["rmse"] * count,
         "replicate": range(count), "score": values}
    ).to_parquet(path)  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("before", "after", "tolerated"),
    [
        ([1.0, 2.0], [1.7, 2.0], True),  # 0.7 < std = 0.707
        ([1.0, 2.0], [1.72, 2.0], False),
        ([1.0, 1.0], [1.0, 1.0], True),
        ([1.0, 1.0], [1.0, 1.0001], False),  # nothing to hold it against
        ([1.0, 2.0, np.nan], [1.1, 2.0, np.nan], True),  # failed then as now
        ([1.0, 2.0, np.nan], [1.1, 2.0, 3.0], False),
        ([1.0, 2.0], [1.0], False),
    ],
)
def test_the_tolerance_is_the_spread(tmp_path: Path, before, after, tolerated):
    one, two = scores(tmp_path / "a.parquet", before), scores(tmp_path / "b.parquet", after)
    assert within_spread(one, two)[0] is tolerated

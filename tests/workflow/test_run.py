"""A whole run at scale smoke: what it makes, once, and the same each time."""

import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from nao.config import load
from nao.figures import FIGURES
from nao.models.native import resolve
from nao.plan import Plan, expand
from nao.provenance.schema import RECORDS, read_record, record_path
from nao.targets import DEFAULT_FIGURES, experiment_of
from tests.workflow.clone import Clone


@pytest.fixture(scope="module")
def plan(finished: Clone) -> Plan:
    """What the default target needs of the whole plan."""
    whole = expand(load(finished.folder / "config.yaml").model_copy(update={"scale": "smoke"}))
    drawn = {experiment_of(table) for name in DEFAULT_FIGURES for table in FIGURES[name].tables}
    sweeps = {name: whole.experiments[name] for name in sorted(drawn)}
    points = [point for sweep in sweeps.values() for point in sweep.points]
    return whole.model_copy(
        update={
            "experiments": sweeps,
            "datasets": {point.dataset: whole.datasets[point.dataset] for point in points},
            "runs": {run: whole.runs[run] for point in points for run in point.runs.values()},
        }
    )


def test_one_kernel_serves_the_whole_study(finished, plan):
    """The one that the machine resolves to is in the record of each run's weights and estimates."""
    places = [
        record_path(finished.results, Path("runs", run, file))
        for run in plan.runs
        for file in ("model.safetensors", "estimates.parquet")
    ]
    records = [read_record(place) for place in places]
    assert {record.environment.kernel for record in records} == {resolve("auto")}


def test_every_artefact_stands_in_its_place_with_its_record(finished, plan):
    folders = {
        "datasets": {name: ["train", "test", "truth"] for name in plan.datasets},
        "runs": {name: ["history", "estimates", "scores"] for name in plan.runs},
        "experiments": {"": list(plan.experiments)},
        "moments": {"": ["prior_moments"]},
    }
    expected = {
        finished.results / kind / name / f"{file}.parquet"
        for kind, entries in folders.items()
        for name, files in entries.items()
        for file in files
    }
    expected |= {
        finished.results / "baselines" / dataset / estimator / f"{file}.parquet"
        for dataset in plan.datasets
        for estimator in plan.baselines
        for file in ("estimates", "scores")
    }
    base = plan.experiments["prior"].points[0]
    expected |= {finished.results / "runs" / run / "prior.parquet" for run in base.runs.values()}
    expected |= {finished.results / "runs" / run / "model.safetensors" for run in plan.runs}
    expected |= {
        finished.results / "figures" / f"{figure}.{kind}"
        for figure in DEFAULT_FIGURES
        for kind in ("pdf", "png")
    }
    expected |= {finished.results / "claims.parquet", finished.results / "claims.md"}
    files = {file for file in finished.results.rglob("*") if file.is_file()}
    logs, records = (
        {file for file in files if file.is_relative_to(finished.results / folder)}
        for folder in ("logs", RECORDS)
    )
    assert files - logs - records == expected
    assert records == {
        record_path(finished.results, file.relative_to(finished.results)) for file in expected
    }


def test_a_folder_of_tables_is_read_as_one(finished, plan):
    whole = pd.read_parquet(finished.results / "experiments")
    assert set(whole["experiment"]) == set(plan.experiments)
    assert whole["source"].notna().all()
    schemas = {
        str(pq.read_schema(file).remove_metadata())
        for file in (finished.results / "experiments").iterdir()
    }
    assert len(schemas) == 1  # polars and duckdb ask for one


def test_snakemake_knows_records_as_its_own(finished):
    done = finished.snakemake("--list-untracked")
    assert done.returncode == 0
    assert "config.yaml" in done.stdout
    assert f"results/smoke/{RECORDS}/" not in done.stdout


def test_a_point_shared_by_several_experiments_is_made_once(first_run, plan):
    points = [point for sweep in plan.experiments.values() for point in sweep.points]
    assert sum(len(point.runs) for point in points) > len(plan.runs)
    trained = re.findall(r"^train (\S+) \(", first_run[1], re.MULTILINE)
    assert sorted(trained) == sorted(plan.runs)


def test_progress_tells_what_is_done_and_the_time_left(first_run):
    lines = first_run[1].splitlines()
    total = re.findall(r"; (\d+) of (\d+) done, \d+ running, .+ left$", lines[-1])
    assert total
    assert total[0][0] == total[0][1]


def test_the_tables_of_a_run_have_the_promised_columns(finished, plan):
    run, spec = next(iter(plan.runs.items()))
    estimates = pq.read_table(finished.results / "runs" / run / "estimates.parquet")
    assert estimates.schema.names == ["replicate", "context", "w_hat"]
    assert estimates.schema.field("w_hat").type.list_size == spec.dataset.problem.dimension
    assert len(estimates) == spec.dataset.replicates * spec.dataset.test_contexts
    table = pd.read_parquet(finished.results / "experiments" / "contexts.parquet")
    learners = plan.experiments["contexts"].points[0].runs
    assert set(table["estimator"]) == {*learners, *plan.baselines}
    metrics = ("rmse", "relative_rmse", "median_error", "misfit")
    assert set(table["metric"]) == {
        *metrics,
        *(f"symmetrised_{metric}" for metric in metrics),
        *(
            "posterior_rmse",
            "expected_rmse",
            "rmse_bound",
            "oracle_law",
            "rmse_floor",
            "polynomial_rmse",
        ),
    }
    assert table["score"].notna().all()


def test_two_runs_from_scratch_are_equal_to_the_byte(finished, tmp_path):
    again = Clone.of_sources(tmp_path / "elsewhere")
    again.make(config=("seed=2505",))
    suffixes = (".parquet", ".safetensors", ".png", ".md")
    assert again.hashes(*suffixes) == finished.hashes(*suffixes)

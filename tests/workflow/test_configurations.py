"""Whatever the configuration accepts, every job of the workflow bears."""

# pyright: reportArgumentType=false

import multiprocessing
import runpy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from nao.claims import judge, to_markdown
from nao.config import ConfigError, load
from nao.demands import require
from nao.figures import FIGURES
from nao.jobs import Job
from nao.plan import Plan, expand
from nao.provenance.fingerprint import code_fingerprint
from tests.planned import jobs_behind
from tests.workflow.configurations import configurations

ROOT = Path(__file__).parents[2]


class Named(list):
    """Paths as Snakemake gives them to scripts: in order, and by name."""

    def __init__(self, paths: Mapping[str, Any]):
        super().__init__()
        for name, each in paths.items():
            setattr(self, name, each)
            self.extend([each] if isinstance(each, str) else each)

    def items(self):
        return vars(self).items()


def run(job: Job, tree: Path) -> None:
    """Run a job's script as Snakemake does, here."""

    def placed(paths: Mapping[str, Any]) -> Named:
        return Named(
            {
                name: f"{tree}/{each}" if isinstance(each, str) else [f"{tree}/{e}" for e in each]
                for name, each in paths.items()
            }
        )

    script = ROOT / "workflow" / "scripts" / f"{job.rule}.py"
    outputs = placed(job.outputs)
    for path in outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    snakemake = SimpleNamespace(
        rule=job.rule,
        scriptdir=str(script.parent),
        input=placed(job.inputs),
        output=outputs,
        wildcards=Named(job.wildcards),
        params=SimpleNamespace(job=job.params | {"code": code_fingerprint(script)}),
        resources=SimpleNamespace(
            device="cpu", gpu_slots=1, kernel="torch", checkpoints=f"{tree}/checkpoints"
        ),
        log=[f"{tree}/logs/{job.rule}.log"],
    )
    runpy.run_path(str(script), {"snakemake": snakemake})


def make(plan: Plan, figure: str, tree: Path) -> None:
    """Run every job of a figure, and judge what its tables tell; what fails is left in `fault`."""
    drawn = Job(plan, "draw_figure", {"figure": figure})
    where = ""
    try:
        for job in jobs_behind(plan, *drawn.outputs.values()):
            where = f"{job.rule} {dict(job.wildcards)}"
            run(job, tree)
        where = f"claims of {figure}"
        tables = {Path(path).stem: pd.read_parquet(tree / path) for path in drawn.reads}
        to_markdown(judge(tables, {}))
    except BaseException as fault:
        (tree / "fault").write_text(f"{where}: {type(fault).__name__}: {fault}", encoding="utf-8")
        raise


@settings(
    max_examples=5,
    derandomize=True,  # what is drawn takes seconds, and more finds no more by the day
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(configurations(), st.sampled_from([*FIGURES]))
def test_what_is_accepted_runs(values: dict[str, Any], figure: str):
    try:
        plan = expand(load(values))
        require(plan)
    except ConfigError:
        reject()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "results", "smoke")
        tree.mkdir(parents=True)
        # A process of its own, since jobs send their output to logs; begun anew, since a fork of
        # one with threads may wait for ever
        process = multiprocessing.get_context("spawn").Process(
            target=make, args=(plan, figure, tree)
        )
        process.start()
        process.join()
        fault = tree / "fault"
        assert process.exitcode == 0, fault.read_text("utf-8") if fault.exists() else "killed"

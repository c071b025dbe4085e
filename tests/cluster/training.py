"""A training that is long enough to be interrupted."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nao.config import load
from nao.plan import Plan, expand
from nao.provenance.schema import Record, read_record, record_path
from tests.cluster.clone import WAIT
from tests.cluster.lab import Lab
from tests.cluster.services import until
from tests.workflow.clone import Clone

STEPS = 40_000
STEP = r"step \d+ of"  # in a log


def lengthen(clone: Clone) -> None:
    """Give its trainings so many steps."""
    short, long = (
        f"training: {{ batch_contexts: 32, steps: {steps}, warmup_steps: 10 }}"
        for steps in (40, STEPS)
    )
    clone.edit("config.yaml", short, long)


def plan_of(clone: Clone) -> Plan:
    return expand(load(clone.folder / "config.yaml").model_copy(update={"scale": "smoke"}))


@dataclass(frozen=True)
class Training:
    """That of held-out rows at the base point of a clone."""

    clone: Clone

    @property
    def name(self) -> str:
        return plan_of(self.clone).experiments["prior"].points[0].runs["heldout"]

    @property
    def target(self) -> str:
        return f"results/smoke/runs/{self.name}/model.safetensors"

    def made(self) -> dict[str, bytes]:
        folder = self.clone.results / "runs" / self.name
        return {
            name: (folder / name).read_bytes() for name in ("model.safetensors", "history.parquet")
        }

    def record(self) -> Record:
        path = Path("runs", self.name, "model.safetensors")
        return read_record(record_path(self.clone.results, path))

    def log(self) -> str:
        path = self.clone.results / "logs" / "train" / f"{self.name}.log"
        return path.read_text() if path.exists() else ""

    def jobs(self, lab: Lab) -> list[dict[str, str]]:
        """All that SLURM was given to train it."""
        return [job for job in jobs_of(self.clone, lab) if "rule_train" in job.get("Comment", "")]

    def running(self, lab: Lab) -> list[str]:
        return [job["JobId"] for job in self.jobs(lab) if job["JobState"] == "RUNNING"]

    def under_way(self, lab: Lab, attempts: int) -> str:
        """Wait until it makes steps for the time of that number; its job."""
        until(lambda: self.log().count("begun again") >= attempts - 1, WAIT, "another attempt")
        until(lambda: re.search(STEP, self.log().split("begun again")[-1]), WAIT, "a step")
        (job,) = self.running(lab)
        return job

    def freeze(self) -> None:
        """Stop its process, as a node does that hangs."""
        for process in self._processes():
            os.kill(int(process.name), signal.SIGSTOP)

    def devices(self) -> set[str]:
        """The GPUs that its process was given."""
        given = rb"(?:^|\0)CUDA_VISIBLE_DEVICES=([^\0]*)"
        found = [re.findall(given, (each / "environ").read_bytes()) for each in self._processes()]
        return {name.decode() for names in found for name in names}

    def _processes(self) -> Iterator[Path]:
        """Those that run a script of the clone, in `/proc`."""
        scripts = f"{self.clone.folder}/.snakemake/scripts/".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if scripts in (process / "cmdline").read_bytes():
                    yield process


def jobs_of(clone: Clone, lab: Lab) -> list[dict[str, str]]:
    return [job for job in lab.jobs() if job["WorkDir"] == str(clone.folder)]

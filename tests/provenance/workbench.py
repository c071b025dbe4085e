"""A small clone with its results, made by real jobs through the real recording.

The scripts and the configuration lie in ``clone/``; the library that they import is a copy of the
project's own modules, so that a test may edit it.
"""

import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from nao.provenance import fingerprint
from nao.provenance.record import recording

SOURCES = Path(__file__).parent / "clone"
LIBRARY = Path(import_module("nao").__file__).parent
PROBLEM = {"dimension": 6, "task_dimension": 2}


@dataclass(frozen=True)
class Task:
    """A job: its rule, wildcards, inputs and outputs, relative to the tree."""

    rule: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: dict[str, str]


class Workbench:
    """A clone, and what a test does to it."""

    def __init__(self, clone: Path):
        self.clone = clone
        self.tree = clone / "results" / "laptop"

    # --- making ---

    def write_sources(self) -> None:
        shutil.copytree(SOURCES, self.clone, ignore=shutil.ignore_patterns("__pycache__"))
        library = self.clone / "nao"
        library.mkdir()
        (self.clone / "drawing.py").rename(library / "drawing.py")
        for name in ("__init__", "seeding", "problems", "config"):
            shutil.copy(LIBRARY / f"{name}.py", library)
        for command in (
            ("init", "--quiet"),
            ("add", "."),
            ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "start"),
        ):
            subprocess.run(["git", "-C", self.clone, *command], check=True)

    def make_all(self) -> None:
        for task in self.tasks():
            self.make(task)

    def make(self, task: Task) -> None:
        """Run one job as the workflow does."""
        outputs = {key: self.tree / path for key, path in task.outputs.items()}
        inputs = [self.tree / path for path in task.inputs]
        for path in outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        script = self.clone / "workflow" / "scripts" / f"{task.rule}.py"
        params = self.params(task.rule, task.wildcards)
        fingerprint.forget()
        with recording(
            rule=task.rule,
            script=script,
            repository=self.clone,
            tree=self.tree,
            lock=self.clone / "envs" / "requirements.txt",
            inputs=inputs,
            outputs=outputs,
            params=params,
            wildcards=task.wildcards,
            seeds={"root": self.config["seed"]},
        ) as job:
            with _library(self.clone):
                main = runpy.run_path(str(script))["main"]
            main(inputs, outputs, params, job)

    def task(self, output: str) -> Task:
        return next(task for task in self.tasks() if output in task.outputs.values())

    # --- the plan ---

    @property
    def config(self) -> dict[str, Any]:
        return yaml.safe_load((self.clone / "config.yaml").read_text())

    def params(self, rule: str, wildcards: Mapping[str, str]) -> dict[str, Any] | None:
        """What today's configuration gives a job; None for one that it does not want."""
        config = self.config
        points = {f"s{noise:g}": noise for noise in config["noise"]}
        if wildcards.get("point", next(iter(points))) not in points:
            return None
        common = {"replicates": config["replicates"]}
        match rule:
            case "dataset":
                noise = points[wildcards["point"]]
                problem = {**PROBLEM, "noise_std": noise}
                return {
                    **common,
                    "problem": problem,
                    "contexts": config["contexts"],
                    "seed": config["seed"],
                }
            case "train":
                return common
            case "experiment":
                return {"points": [{"run": run, "value": noise} for run, noise in points.items()]}
            case _:
                return {}

    def tasks(self) -> list[Task]:
        points = [f"s{noise:g}" for noise in self.config["noise"]]
        tasks = []
        for point in points:
            data, run = f"datasets/{point}", f"runs/{point}"
            tasks += [
                Task(
                    "dataset",
                    {"point": point},
                    (),
                    {"train": f"{data}/train.parquet", "test": f"{data}/test.parquet"},
                ),
                Task(
                    "train",
                    {"point": point},
                    (f"{data}/train.parquet",),
                    {"model": f"{run}/model.safetensors", "history": f"{run}/history.parquet"},
                ),
                Task(
                    "score",
                    {"point": point},
                    (f"{run}/model.safetensors", f"{data}/test.parquet"),
                    {"scores": f"{run}/scores.parquet"},
                ),
            ]
        scores = tuple(f"runs/{point}/scores.parquet" for point in points)
        table = "experiments/noise.parquet"
        return [
            *tasks,
            Task("experiment", {"experiment": "noise"}, scores, {"table": table}),
            Task(
                "figure",
                {"figure": "fig3"},
                (table,),
                {"pdf": "figures/fig3.pdf", "png": "figures/fig3.png"},
            ),
            Task("claims", {}, (table,), {"table": "claims.parquet", "text": "claims.md"}),
        ]

    # --- tampering ---

    @classmethod
    def copy_of(cls, finished: Path, clone: Path) -> "Workbench":
        shutil.copytree(finished, clone, symlinks=True)
        fingerprint.forget()
        return cls(clone)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the clone."""
        file = self.clone / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        fingerprint.forget()

    def flip(self, path: str, position: int = -1) -> None:
        """Flip one bit of an artefact."""
        file = self.tree / path
        data = bytearray(file.read_bytes())
        data[position] ^= 1
        file.write_bytes(data)


class _library:
    """While a script is loaded, ``nao.drawing`` is the clone's."""

    def __init__(self, clone: Path):
        self._folder = str(clone / "nao")

    def __enter__(self) -> None:
        import_module("nao").__path__.append(self._folder)

    def __exit__(self, *_: object) -> None:
        import_module("nao").__path__.remove(self._folder)
        sys.modules.pop("nao.drawing", None)

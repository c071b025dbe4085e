"""A small clone with its results, made by real jobs through the real recording.

The scripts and the configuration lie in ``clone/``; the library that they import is a copy of the
project's own modules, so that a test may edit it.
"""

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from nao import jobs
from nao.config import load
from nao.jobs import Job
from nao.plan import Plan, expand
from nao.provenance import fingerprint
from nao.provenance.audit import Audit, Verdict, audit
from nao.provenance.clone import today_at
from nao.provenance.record import recording
from nao.provenance.schema import record_path

SOURCES = Path(__file__).parent / "clone"
LIBRARY = Path(__file__).parents[2] / "nao"


@dataclass(frozen=True)
class Task:
    """A job: its rule, wildcards, inputs and outputs, relative to the tree."""

    rule: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: dict[str, str]


def configuration() -> dict[str, Any]:
    """The project's own, with one small sweep at one small scale."""
    real = yaml.safe_load((LIBRARY.parent / "config.yaml").read_text())
    small = real["scales"]["smoke"]
    dataset = small["base"]["dataset"]
    problem = {**dataset["problem"], "dimension": 6, "prior": {"rank": 2}}
    dataset = {**dataset, "problem": problem, "train_contexts": 40, "test_contexts": 40}
    return {
        **real,
        "scale": "laptop",
        "seed": 7,
        "baselines": ["ridge"],
        "experiments": {"noise": {"axis": "dataset.problem.noise.std", "learners": ["heldout"]}},
        "scales": {
            "laptop": {
                **small,
                "base": {**small["base"], "dataset": dataset},
                "values": {"noise": [0.1, 0.3]},
            }
        },
    }


@contextmanager
def one_table() -> Iterator[None]:
    """The small clone has one sweep, which its one figure and its one claim read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(jobs.FIGURES, "fig3", replace(jobs.FIGURES["fig3"], tables=("noise",)))
        patch.setattr(jobs, "claim_tables", lambda claims: ["noise"])
        yield


class Workbench:
    """A clone, and what a test does to it."""

    def __init__(self, clone: Path):
        self.clone = clone
        self.tree = clone / "results" / "laptop"

    # --- making ---

    def write_sources(self) -> None:
        shutil.copytree(SOURCES, self.clone, ignore=shutil.ignore_patterns("__pycache__"))
        text = yaml.safe_dump(configuration(), sort_keys=False, default_flow_style=None)
        (self.clone / "config.yaml").write_text(text)
        library = self.clone / "nao"
        library.mkdir()
        (self.clone / "drawing.py").rename(library / "drawing.py")
        for module in (*LIBRARY.glob("*.py"), *LIBRARY.glob("tasks/*.py")):
            copy = library / module.relative_to(LIBRARY)
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(module, copy)
        for command in (
            ("init", "--quiet"),
            ("add", "."),
            ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "start"),
        ):
            subprocess.run(["git", "-C", self.clone, *command], check=True)

    def make_all(self) -> None:
        for task in self.tasks():
            self.make(task)

    def make(self, task: Task, more_inputs: Sequence[Path] = ()) -> None:
        """Run one job as the workflow does."""
        outputs = {key: self.tree / path for key, path in task.outputs.items()}
        inputs = [self.tree / path for path in task.inputs]
        for path in outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        script = self.clone / "workflow" / "scripts" / f"{task.rule}.py"
        params = Job(self.plan, task.rule, task.wildcards).params
        fingerprint.forget()
        with recording(
            rule=task.rule,
            script=script,
            repository=self.clone,
            tree=self.tree,
            lock=self.clone / "envs" / "requirements.txt",
            inputs=[*inputs, *more_inputs],
            outputs=outputs,
            params=params,
            wildcards=task.wildcards,
            seeds={"root": 7},
        ) as job:
            with _library(self.clone):
                main = runpy.run_path(str(script))["main"]
            main(inputs, outputs, params, job)

    def task(self, output: str) -> Task:
        return next(task for task in self.tasks() if output in task.outputs.values())

    # --- the plan ---

    @property
    def plan(self) -> Plan:
        return expand(load(self.clone / "config.yaml"))

    def tasks(self) -> list[Task]:
        """All jobs, each after those that it reads from."""
        plan = self.plan
        tasks, scores = [], []
        for point in plan.experiments["noise"].points:
            (run,) = point.runs.values()
            data, mine = f"datasets/{point.dataset}", f"runs/{run}"
            baseline = f"baselines/{point.dataset}/ridge/scores.parquet"
            train, test = f"{data}/train.parquet", f"{data}/test.parquet"
            model, score = f"{mine}/model.safetensors", f"{mine}/scores.parquet"
            history = f"{mine}/history.parquet"
            which = {"dataset": point.dataset}
            tasks += [
                Task("make_dataset", which, (), {"train": train, "test": test}),
                Task("train", {"run": run}, (train,), {"model": model, "history": history}),
                Task("evaluate_run", {"run": run}, (model, test), {"scores": score}),
                Task(
                    "evaluate_baseline",
                    {**which, "estimator": "ridge"},
                    (test,),
                    {"scores": baseline},
                ),
            ]
            scores += [score, baseline]
        table = "experiments/noise.parquet"
        figure = {"pdf": "figures/fig3.pdf", "png": "figures/fig3.png"}
        claims = {"table": "claims.parquet", "text": "claims.md"}
        return [
            *tasks,
            Task("tabulate_experiment", {"experiment": "noise"}, tuple(scores), {"table": table}),
            Task("draw_figure", {"figure": "fig3"}, (table,), figure),
            Task("judge_claims", {"claims": "claims"}, (table,), claims),
        ]

    @property
    def artefacts(self) -> list[str]:
        return [path for task in self.tasks() for path in task.outputs.values()]

    def path(self, word: str) -> Path:
        """An artefact by its word: those of the first point, ``train2`` … of the second."""
        number = int(word[-1]) - 1 if word[-1].isdigit() else 0
        point = self.plan.experiments["noise"].points[number]
        (run,) = point.runs.values()
        data, mine = f"datasets/{point.dataset}", f"runs/{run}"
        names = {
            "train": f"{data}/train.parquet",
            "test": f"{data}/test.parquet",
            "model": f"{mine}/model.safetensors",
            "history": f"{mine}/history.parquet",
            "scores": f"{mine}/scores.parquet",
            "ridge": f"baselines/{point.dataset}/ridge/scores.parquet",
            "table": "experiments/noise.parquet",
            "pdf": "figures/fig3.pdf",
            "png": "figures/fig3.png",
            "claims": "claims.parquet",
            "text": "claims.md",
        }
        return self.tree / names[word.rstrip("0123456789")]

    def record(self, word: str) -> Path:
        return record_path(self.tree, self.path(word).relative_to(self.tree))

    def make_again(self, *words: str) -> None:
        """Run the jobs that make these artefacts once more, in order."""
        wanted = {self.path(word).relative_to(self.tree).as_posix() for word in words}
        for task in self.tasks():
            if wanted & set(task.outputs.values()):
                self.make(task)

    def audit(self, today: bool = True) -> Audit:
        fingerprint.forget()
        return audit([self.clone / "results"], today_at(self.clone) if today else None)

    def verdicts(self, today: bool = True) -> dict[str, Verdict]:
        found = self.audit(today).findings.values()
        return {finding.name: finding.verdict for finding in found}

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

    def flip(self, word: str, position: int = -1) -> None:
        """Flip one bit of an artefact; its times stay as they were."""
        file = self.path(word)
        times = file.stat()
        data = bytearray(file.read_bytes())
        data[position] ^= 1
        file.write_bytes(data)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def forge(self, word: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a record's content, and seal it anew so that it agrees with itself."""
        path = self.record(word)
        content = json.loads(path.read_bytes())
        change(content)
        body = json.dumps(content, indent=1, ensure_ascii=False).partition(' "digest"')[0]
        digest = hashlib.sha256(body.encode()).hexdigest()
        path.write_text(f'{body} "digest": "{digest}"\n}}\n')


class _library:
    """While a script is loaded, ``nao.drawing`` is the clone's."""

    def __init__(self, clone: Path):
        self._folder = str(clone / "nao")

    def __enter__(self) -> None:
        import_module("nao").__path__.append(self._folder)

    def __exit__(self, *_: object) -> None:
        import_module("nao").__path__.remove(self._folder)
        sys.modules.pop("nao.drawing", None)

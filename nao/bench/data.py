"""The cost of making a data set, against writing the same bytes and drawing as many numbers."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from nao.bench.timing import Subject, ratios, side_by_side
from nao.seeding import stream
from nao.specs import DatasetSpec, ProblemSpec
from nao.tasks.datasets import BLOCK, write_contexts
from nao.tasks.problems import draw_problem

CONTEXTS = 2 * BLOCK


def compare_writing(folder: Path, seconds: float, contexts: int = CONTEXTS) -> pd.DataFrame:
    """Drawing and writing a training file at d = 100, n = 50 beside pyarrow alone."""
    problem_spec = ProblemSpec.model_validate(
        {"dimension": 100, "prior": {"rank": 2}, "noise": {"std": 0.1}}
    )
    spec = DatasetSpec(
        problem=problem_spec,
        context_length=50,
        train_contexts=contexts,
        test_contexts=2,
        replicates=1,
        seed=0,
    )
    problem = draw_problem(problem_spec, spec.seed)
    with TemporaryDirectory(dir=folder) as scratch:
        ours, theirs = Path(scratch) / "ours.parquet", Path(scratch) / "theirs.parquet"
        write_contexts(ours, problem, spec, "train")
        table = pq.read_table(ours)
        numbers = sum(column.nbytes for column in table.columns) // 4
        rng = stream(0, "bench")
        subjects = {
            "NAO": lambda: write_contexts(ours, problem, spec, "train"),
            "pyarrow, the same bytes": lambda: pq.write_table(
                table, theirs, compression="none", use_dictionary=False, row_group_size=BLOCK
            ),
            "NumPy, as many normal numbers": lambda: rng.standard_normal(numbers, np.float32),
        }
        measured = {name: Subject(run, contexts) for name, run in subjects.items()}
        times = side_by_side(measured, seconds)
    case = f"a training file: n = 50, d = 100, {contexts:,} contexts, {4 * numbers / 1e6:.0f} MB"
    return ratios(times).assign(topic="data", case=case)

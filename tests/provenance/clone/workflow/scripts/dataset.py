"""Contexts of one problem, per replicate."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nao.problems import draw_problem, sample_contexts
from nao.seeding import stream


def main(inputs, outputs, params, job):
    from nao.config import ProblemSpec

    problem = draw_problem(ProblemSpec(**params["problem"]), params["seed"])
    for name, path in outputs.items():
        drawn = sample_contexts(problem, 4, params["contexts"], stream(params["seed"], name))
        columns = {
            key: pa.array(list(getattr(drawn, key).reshape(len(drawn.y), -1))) for key in "xyw"
        }
        columns["replicate"] = pa.array(np.arange(len(drawn.y)) % params["replicates"], pa.int32())
        pq.write_table(pa.table(columns), path)

"""Training and test contexts of one problem."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nao.seeding import stream
from nao.tasks.problems import draw_problem, sample_contexts


def main(inputs, outputs, params, job):
    from nao.specs import DatasetSpec

    spec = DatasetSpec(**params["spec"])
    problem = draw_problem(spec.problem, spec.seed)
    for name, path in outputs.items():
        drawn = sample_contexts(
            problem, spec.context_length, spec.train_contexts, stream(spec.seed, name)
        )
        columns = {
            key: pa.array(list(getattr(drawn, key).reshape(len(drawn.y), -1))) for key in "xyw"
        }
        columns["replicate"] = pa.array(np.arange(len(drawn.y)) % spec.replicates, pa.int32())
        pq.write_table(pa.table(columns), path)

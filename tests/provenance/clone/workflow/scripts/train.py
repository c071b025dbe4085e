"""A linear map from contexts to weights, by least squares, one per replicate."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file


def main(inputs, outputs, params, job):
    table = pq.read_table(inputs[0])
    y, w = (np.array(table[key].to_pylist()) for key in "yw")
    replicate = table["replicate"].to_numpy()
    weights, history = [], []
    for number in range(params["spec"]["dataset"]["replicates"]):
        mine = replicate == number
        weights.append(np.linalg.lstsq(y[mine], w[mine], rcond=None)[0])
        for step, fit in enumerate((0 * weights[-1], weights[-1])):
            loss = float(np.mean((y[mine] @ fit - w[mine]) ** 2))
            history.append({"replicate": number, "step": step, "loss": loss})
    save_file({"weights": np.stack(weights)}, outputs["model"])
    pq.write_table(pa.Table.from_pylist(history), outputs["history"])
    job.segments = [{"first_step": 0, "last_step": 1}]

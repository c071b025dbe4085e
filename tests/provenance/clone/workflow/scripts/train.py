"""A linear map from contexts to weights, by least squares, one per replicate."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file


def main(inputs, outputs, params, job):
    table = pq.read_table(inputs[0])
    y, w = (np.array(table[key].to_pylist()) for key in "yw")
    replicate = table["replicate"].to_numpy()
    weights, losses = [], []
    for number in range(params["spec"]["dataset"]["replicates"]):
        mine = replicate == number
        weights.append(np.linalg.lstsq(y[mine], w[mine], rcond=None)[0])
        losses.append(float(np.mean((y[mine] @ weights[-1] - w[mine]) ** 2)))
    save_file({"weights": np.stack(weights)}, outputs["model"])
    numbers = pa.array(range(len(losses)), pa.int32())
    pq.write_table(pa.table({"replicate": numbers, "loss": losses}), outputs["history"])
    job.segments = [{"first_step": 0, "last_step": 1}]

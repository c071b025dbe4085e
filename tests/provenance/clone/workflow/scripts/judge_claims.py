"""One claim from the table."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def main(inputs, outputs, params, job):
    table = pq.read_table(inputs[0]).to_pandas()
    mean = table.groupby("value")["score"].mean()
    slope = float(np.polyfit(np.log(mean.index), np.log(mean), 1)[0])
    verdict = "holds" if abs(slope - 1) < 0.1 else "fails"
    row = {
        "id": ["C3"],
        "subject": ["all"],
        "statement": ["RMSE is linear in the noise"],
        "rule": ["the exponent is 1 to within 0.1"],
        "number": [slope],
        "low": [float("nan")],
        "high": [float("nan")],
        "accepted_low": [0.9],
        "accepted_high": [1.1],
        "done": [len(table)],
        "planned": [len(table)],
        "verdict": [verdict],
        "note": ["taken over two points"],
    }
    pq.write_table(pa.table(row), outputs["table"])
    with open(outputs["text"], "w") as file:
        file.write(
            f"| claim | verdict | number |\n|---|---|---|\n| C3 | {verdict} | {slope:.3f} |\n"
        )

"""The tidy table of one sweep."""

import pyarrow as pa
import pyarrow.parquet as pq


def main(inputs, outputs, params, job):
    parts = []
    for path, point in zip(inputs, params["points"], strict=True):
        table = pq.read_table(path)
        count = len(table)
        for key, value in (
            ("source", point["run"]),
            ("value", point["value"]),
            ("axis", "noise_std"),
            ("experiment", "noise"),
        ):
            table = table.add_column(0, key, pa.array([value] * count))
        parts.append(table)
    pq.write_table(pa.concat_tables(parts), outputs["table"])

"""The tidy table of one sweep."""

import pyarrow as pa
import pyarrow.parquet as pq


def main(inputs, outputs, params, job):
    sources, values = {}, {}
    for point in params["experiment"]["points"]:
        for source in (point["dataset"], *point["runs"].values()):
            values[source] = point["value"]
    for path in inputs:
        folder = path.parent if path.parent.name in values else path.parent.parent
        sources[path] = folder.name
    parts = []
    for path, source in sources.items():
        table = pq.read_table(path)
        for key, value in (
            ("source", source),
            ("value", values[source]),
            ("axis", params["experiment"]["axis"]),
            ("experiment", "noise"),
        ):
            table = table.add_column(0, key, pa.array([value] * len(table)))
        parts.append(table)
    pq.write_table(pa.concat_tables(parts), outputs["table"])

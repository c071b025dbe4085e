"""RMSE against noise."""

import numpy as np
import pyarrow.parquet as pq
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nao.drawing import draw  # pyright: ignore[reportMissingImports]


def main(inputs, outputs, params, job):
    figure = Figure(figsize=(3, 2))
    FigureCanvasAgg(figure)
    axes, table = figure.subplots(), pq.read_table(inputs[0])
    draw(axes, table)
    for path in outputs.values():
        figure.savefig(path, metadata=job.figure_metadata(path, marks(axes, table)), dpi=60)


def marks(axes, table):
    """Each row's mark."""
    axes.figure.canvas.draw()
    pairs = np.column_stack([table["value"].to_numpy(), table["score"].to_numpy()])
    places = axes.transData.transform(pairs)
    width, height = axes.figure.bbox.size
    learned = [name is not None for name in table["objective"].to_pylist()]
    return [
        {
            "panel": "(a) noise",
            "x": "σ_ε",
            "y": "RMSE",
            "label": "NAO held-out" if learned[row] else "RE",
            "table": "noise",
            "marks": [
                {
                    "at": [x / width, 1 - y / height, 0, 0],
                    "x": table["value"][row].as_py(),
                    "y": table["score"][row].as_py(),
                    "rows": [row],
                }
            ],
        }
        for row, (x, y) in enumerate(places)
    ]

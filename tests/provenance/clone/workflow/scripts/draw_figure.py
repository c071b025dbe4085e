"""RMSE against noise."""

import pyarrow.parquet as pq
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nao.drawing import draw  # pyright: ignore[reportMissingImports]


def main(inputs, outputs, params, job):
    figure = Figure(figsize=(3, 2))
    FigureCanvasAgg(figure)
    draw(figure.subplots(), pq.read_table(inputs[0]))
    for path in outputs.values():
        figure.savefig(path, metadata=job.figure_metadata(path), dpi=60)

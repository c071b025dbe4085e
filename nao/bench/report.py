"""The whole bench as one table, and the table as Parquet, Markdown and text."""

import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from nao.bench.data import compare_writing
from nao.bench.estimators import compare_estimators
from nao.bench.steps import (
    GROWTH,
    LAPTOP,
    PAPER,
    WIDTHS,
    compare_evaluations,
    compare_steps,
    measure_growth,
)
from nao.files import atomic_path
from nao.provenance.environment import describe_device, processor_name

COLUMNS = {
    "topic": "string",
    "case": "string",
    "axis": "string",
    "value": "Float64",
    "subject": "string",
    "seconds": "float64",
    "ratio": "float64",
    "ratio_low": "float64",
    "ratio_high": "float64",
    "rounds": "int64",
    "flops": "Float64",
}
MULTIPLE = "as a multiple of NAO's time"
SECTIONS = {
    "step": ("Training step", MULTIPLE, "ms", 1e3),
    "evaluation": ("A layer's two evaluations", "as a multiple of the one chosen", "ms", 1e3),
    "growth": ("Growth of the step", "as a multiple of the base point's time", "ms", 1e3),
    "data": ("Data generation, per context", MULTIPLE, "µs", 1e6),
    "estimator": ("Estimators, per context", MULTIPLE, "µs", 1e6),
}
"""topic → its heading, what a ratio is, and the unit of time"""


def parts(
    folder: Path, device: torch.device, seconds: float
) -> Iterator[tuple[str, Callable[[], pd.DataFrame]]]:
    """Every comparison, by what it is about; each takes some `seconds`."""
    for shape in (PAPER, LAPTOP):
        yield f"step at {shape}", lambda shape=shape: compare_steps(shape, device, 2 * seconds)
    for width in WIDTHS:
        yield (
            f"evaluations at d_k = {width}",
            lambda width=width: compare_evaluations(width, device, seconds / 2),
        )
    for axis in GROWTH:
        yield f"growth in {axis}", lambda axis=axis: measure_growth(axis, device, seconds)
    yield "data generation", lambda: compare_writing(folder, seconds)
    yield "estimators", lambda: compare_estimators(seconds)


def run_all(
    folder: Path,
    device: torch.device,
    threads: int,
    seconds: float,
    report: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Every comparison in this one process, with so many threads; `report` hears what is under way.

    Columns `COLUMNS`: `seconds` is a median, per step or per context; `ratio` is the median of the
    ratios to the first subject of the case, with its quartiles.
    """
    before, tables = torch.get_num_threads(), []
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            for name, measure in parts(folder, device, seconds):
                report(name)
                tables.append(measure())
    finally:
        torch.set_num_threads(before)
    whole = pd.concat(tables, ignore_index=True)
    return whole.reindex(columns=list(COLUMNS)).astype(COLUMNS)


def describe_machine(device: torch.device, threads: int) -> str:
    """What the numbers hold for."""
    name = processor_name() if device.type == "cpu" else describe_device(str(device))[0]
    cores = f"{threads} thread{'s' * (threads > 1)}"
    return f"{name}, {cores}, torch {torch.__version__}, Python {platform.python_version()}"


def exponents(table: pd.DataFrame) -> pd.Series:
    """axis → the slope of log time over log size at the two largest sizes of each growth."""
    growth = table[table["topic"] == "growth"]

    def slope(points: pd.DataFrame) -> float:
        last = points.sort_values("value").tail(2)
        size, ratio = np.log(last["value"].to_numpy(float)), np.log(last["ratio"].to_numpy(float))
        return float(np.diff(ratio)[0] / np.diff(size)[0])

    return pd.Series({str(axis): slope(points) for axis, points in growth.groupby("axis")})


def to_markdown(table: pd.DataFrame, machine: str) -> str:
    """The table for a reader, a section a topic."""
    lines = [
        "# What things cost",
        "",
        f"{machine}. Measured in one process, side by side in turning order: times are medians, "
        "ratios are medians of the ratios within a round, with their quartiles.",
    ]
    for topic, (title, multiple, unit, scale) in SECTIONS.items():
        lines += ["", f"## {title}"]
        rows = table[table["topic"] == topic]
        for (case, axis), group in rows.groupby(["case", "axis"], dropna=False, sort=False):
            growing = topic == "growth"
            heading = f"{case}:"
            if growing:
                group = group.sort_values("value")
                slope = exponents(group)[str(axis)]
                heading = f"From {case}: at the largest sizes as {axis}^{slope:.2f}."
            lines += [
                "",
                heading,
                "",
                f"| | {unit} | {multiple} | quartiles |",
                "|---|---|---|---|",
            ]
            prefix = f"{axis} = " if growing else ""
            columns = group[["subject", "seconds", "ratio", "ratio_low", "ratio_high"]]
            lines += [
                f"| {prefix}{subject} | {seconds * scale:.3g} | {ratio:.2f} "
                f"| {low:.2f} to {high:.2f} |"
                for subject, seconds, ratio, low, high in columns.to_numpy(object).tolist()
            ]
    return "\n".join(lines) + "\n"


def write(table: pd.DataFrame, machine: str, folder: Path) -> None:
    """`bench.parquet` and `bench.md` in the folder."""
    with atomic_path(folder / "bench.parquet") as path:
        table.assign(machine=machine).to_parquet(path, index=False)
    with atomic_path(folder / "bench.md") as path:
        path.write_text(to_markdown(table, machine), encoding="utf-8")

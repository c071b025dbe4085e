"""How each run was trained: its loss against the steps, and the error that it ended at.

The error is known after the last step only, for nothing that sees w watches a training.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.page.document import number
from nao.provenance.page.points import Point

WIDTH, HEIGHT = 330, 190
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 10, 34
DRAWN = 120  # points of a line at most
NEEDED = {"replicate", "step", "loss"}


@dataclass(frozen=True)
class Training:
    """One run's chart; places are in the units of its drawing."""

    run: str
    names: list[str]  # of the points of figures that rest on it
    lines: list[str]  # a path for each replicate's loss
    errors: list[tuple[float, float]]  # where RMSE stands, a replicate each
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    told: str  # the same in words

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def trainings_in(base: Path, points: list[Point]) -> list[Training]:
    """The training of every run of a tree that kept its history, those of the figures first."""
    names: dict[str, list[str]] = {}
    for point in points:
        where = point.name if point.value is None else f"{point.name} at {point.value:g}"
        for source in point.sources:
            names.setdefault(source, []).append(f"{point.id.rpartition('-')[0]} {where}")
    files = {file.parent.name: file for file in sorted(base.glob("runs/*/history.parquet"))}
    ordered = [run for run in names if run in files]
    ordered += [run for run in files if run not in names]
    found = (_training(run, files[run], names.get(run, [])) for run in ordered)
    return [training for training in found if training is not None]


def _training(run: str, file: Path, names: list[str]) -> Training | None:
    try:
        history = read_table(file)
    except UnreadableTable:
        return None
    if not set(history.columns) >= NEEDED or history.empty:
        return None
    errors = _errors(file.with_name("scores.parquet"))
    losses = history["loss"].where(history["loss"] > 0)
    y = _Scale(pd.concat([losses, errors]).to_numpy(float))
    last = float(history["step"].max())
    lines, told = [], []
    for replicate, own in history.assign(loss=losses).groupby("replicate"):
        kept = own.iloc[_spread(len(own))]
        kept = kept[np.isfinite(kept["loss"])]
        pairs = zip(kept["step"], kept["loss"], strict=True)
        lines.append(_path([(_across(step, last), y(loss)) for step, loss in pairs]))
        told.append(_in_words(int(str(replicate)), own, errors))
    return Training(
        run,
        list(dict.fromkeys(names)),
        lines,
        [(_across(last, last), y(error)) for error in errors if error > 0],
        [(_across(step, last), f"{step:g}") for step in (0, last / 2, last)],
        [(y(value), number(value)) for value in y.ticks],
        "; ".join(told),
    )


def _errors(file: Path) -> pd.Series:
    """RMSE of each replicate's estimates as they are, by replicate; empty where none was scored."""
    try:
        scores = read_table(file)
    except UnreadableTable:
        return pd.Series(dtype=float)
    if not set(scores.columns) >= {"metric", "replicate", "score"}:
        return pd.Series(dtype=float)
    own = scores[scores["metric"] == "rmse"].drop_duplicates("replicate")
    return own.set_index("replicate")["score"].astype(float)


def _in_words(replicate: int, own: pd.DataFrame, errors: pd.Series) -> str:
    loss = own["loss"].dropna()
    course = f"loss {number(loss.iloc[0])} to {number(loss.iloc[-1])}" if len(loss) else "no loss"
    if len(loss) < len(own):
        failed = int(own.loc[own["loss"].isna(), "step"].iloc[0])
        return f"replicate {replicate}: {course}, failed by step {failed}"
    error = f", RMSE {number(errors[replicate])}" if replicate in errors.index else ""
    return f"replicate {replicate}: {course}{error}"


class _Scale:
    """A logarithmic axis upwards over some positive numbers."""

    def __init__(self, values: np.ndarray):
        logs = np.log10(values[np.isfinite(values) & (values > 0)])
        self.low, self.high = (logs.min(), logs.max()) if len(logs) else (0.0, 0.0)
        if self.high - self.low < 0.1:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low) if value > 0 else math.nan
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    @property
    def ticks(self) -> list[float]:
        """Whole decades; where fewer than two are in reach, its ends."""
        decades = [10.0**e for e in range(math.ceil(self.low), math.floor(self.high) + 1)]
        return decades if len(decades) > 1 else [10**self.low, 10**self.high]


def _across(step: float, last: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * step / last, 1)


def _spread(count: int) -> np.ndarray:
    """Which of so many points are drawn: the first, the last, and others evenly between."""
    return np.unique(np.linspace(0, count - 1, min(count, DRAWN)).round().astype(int))


def _path(places: list[tuple[float, float]]) -> str:
    """A line through places; a dot where there is one alone."""
    if len(places) == 1:
        ((x, y),) = places
        return f"M{x - 3} {y}h6"
    return "M" + "L".join(f"{x} {y}" for x, y in places) if places else ""

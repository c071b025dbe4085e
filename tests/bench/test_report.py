"""The table says what was measured; the clock is replaced, so that its numbers are known."""

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from nao.bench import report, timing
from nao.bench.plot import draw
from nao.bench.steps import LAPTOP, PAPER
from nao.bench.timing import LEAST_ROUNDS, Subject, ratios, side_by_side
from nao.cli import app


class Clock:
    """Time passes only where a subject says so."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def taking(self, seconds: float):
        def run() -> None:
            self.now += seconds

        return run


def test_every_subject_is_timed_in_every_round_per_unit(monkeypatch):
    clock = Clock(monkeypatch)
    subjects = {"first": Subject(clock.taking(2)), "second": Subject(clock.taking(9), 3)}
    times = side_by_side(subjects, 100)
    assert times.columns.tolist() == ["first", "second"]
    assert len(times) == 10  # rounds of eleven seconds until a hundred have passed
    assert (times["first"] == 2).all()
    assert (times["second"] == 3).all()
    assert len(side_by_side(subjects, 0)) == LEAST_ROUNDS


def test_ratios_are_taken_within_rounds():
    # The machine slows down twofold in the second round and fourfold in the third.
    times = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 6.0, 12.0]})
    table = ratios(times).set_index("subject")
    assert all(table.loc["b", name] == 3 for name in ("ratio", "ratio_low", "ratio_high"))
    assert table.loc["b", "seconds"] == 6
    assert table.loc["a", "ratio"] == 1


def growth(axis: str, sizes: list[float], power: float) -> pd.DataFrame:
    multiples = [size**power for size in sizes]
    table = pd.DataFrame({"topic": "growth", "axis": axis, "value": sizes, "ratio": multiples})
    return table.assign(subject=[f"{size:g}" for size in sizes], case=str(PAPER), seconds=1.0)


def test_exponents_are_those_of_power_laws():
    table = pd.concat([growth("n", [1, 2, 4], 2.0), growth("d", [5, 1, 25], 1.5)])
    found = report.exponents(table)
    assert found["n"] == pytest.approx(2.0)
    assert found["d"] == pytest.approx(1.5)


@pytest.fixture
def small(monkeypatch):
    """The whole bench, once a subject and at small sizes."""
    steps, estimators, data = (
        report.compare_steps,
        report.compare_estimators,
        report.compare_writing,
    )
    shape = type(PAPER)(n=3, d=5, layers=2, d_k=2, batch=2)
    monkeypatch.setattr("nao.bench.steps.PAPER", shape)
    monkeypatch.setattr(
        "nao.bench.steps.GROWTH", dict.fromkeys(report.GROWTH, (2, 4)) | {"d": (5, 8)}
    )
    monkeypatch.setattr("nao.bench.steps.LARGE", 8)
    monkeypatch.setattr(report, "PAPER", shape)
    monkeypatch.setattr(report, "WIDTHS", (1, 3))
    monkeypatch.setattr(report, "compare_steps", lambda s, *rest: steps(shape, *rest))
    monkeypatch.setattr(report, "compare_estimators", lambda seconds: estimators(seconds, 600))
    monkeypatch.setattr(report, "compare_writing", lambda *rest: data(*rest, contexts=10))
    return shape


def test_the_command_writes_the_table_and_the_plot(small, tmp_path):
    threads = torch.get_num_threads()
    out = tmp_path / "bench"
    result = CliRunner().invoke(app, ["bench", "--out", str(out), "--seconds", "0"])
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(out / "bench.parquet")
    assert table.columns.tolist() == [*report.COLUMNS, "machine"]
    assert set(table["topic"]) == set(report.SECTIONS)
    assert set(table.loc[table["topic"] == "growth", "axis"]) == set(report.GROWTH)
    assert (table["seconds"] > 0).all()
    assert (table["ratio_low"] <= table["ratio"]).all()
    assert (table["ratio"] <= table["ratio_high"]).all()
    firsts = table.groupby(["topic", "case", "axis"], dropna=False, sort=False).head(1)
    assert (firsts["ratio"] == 1).all()
    text = (out / "bench.md").read_text()
    for subject in table["subject"]:
        assert f"{subject} |" in text
    assert sorted(path.name for path in out.iterdir()) == [
        "bench.md",
        "bench.parquet",
        "bench.pdf",
        "bench.png",
    ]
    assert torch.get_num_threads() == threads


def test_a_missing_device_is_refused_before_anything_is_measured(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    out = tmp_path / "bench"
    result = CliRunner().invoke(app, ["bench", "--out", str(out), "--device", "cuda"])
    assert result.exit_code == 2
    assert "cuda" in result.output
    assert not out.exists()


def test_the_plot_shows_every_axis():
    axes = {"n": 1.5, "d": 1.0, "layers": 1.0, "d_k": 0.0, "heads": 0.0, "batch": 1.0, "members": 1}
    grown = pd.concat([growth(axis, [1, 2, 4], power) for axis, power in axes.items()])
    step = pd.DataFrame({"subject": ["NAO", "floor"], "ratio": [1.0, 0.5], "topic": "step"})
    cases = [step.assign(case=str(shape)) for shape in (PAPER, LAPTOP)]
    table = pd.concat([grown, *cases])
    figure = draw(table.assign(ratio_low=table["ratio"], ratio_high=table["ratio"]))
    titles = {ax.get_title(loc="left") for ax in figure.axes}
    assert {"context length n", "stacked members"} <= titles
    bars = [patch.get_width() for patch in figure.axes[0].patches]  # pyright: ignore[reportAttributeAccessIssue]
    assert sorted(bars) == [0.5, 1.0]

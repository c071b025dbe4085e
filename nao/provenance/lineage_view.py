"""What a lineage holds, for people: settings that all trainings share are told once."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape

from nao.provenance.lineage import Lineage, summary
from nao.provenance.schema import Record

Records = Mapping[str, Record | None]
POINT = ("experiment", "value", "estimator", "kind", "metric")


def show_lineage(
    console: Console, found: Lineage, points: pd.DataFrame | None, records: Records, whole: bool
) -> None:
    """The artefact, the points chosen of it, and what they rest on; all of it if ``whole``."""
    console.print(f"[bold]{escape(found.top)}[/]")
    if found.detached:
        console.print(escape(found.detached))
    _show_lines(console, _making(found.records[found.top]))
    for point in points.to_dict("records") if points is not None else []:
        _show_point(console, point)
    below = {name: record for name, record in records.items() if name != found.top}
    if whole:
        for name, record in below.items():
            console.print(escape(name), style="bold" if record else "red")
            _show_lines(console, [*_making(record), *_given(record)])
    elif below:
        _show_short(console, below)


def show_down(console: Console, path: Path, found: Mapping[str, Record], whole: bool) -> None:
    """What rests on an artefact: figures, claims and tables, and the rest of it if ``whole``."""
    shown = [name for name in found if whole or not name.startswith(("runs/", "baselines/"))]
    verb = "rests" if len(found) == 1 else "rest"
    console.print(f"{len(found)} artefacts {verb} on [bold]{escape(str(path))}[/]")
    _show_lines(console, shown)
    if len(shown) < len(found):
        console.print(f"  and {len(found) - len(shown)} of runs and baselines (--all shows them)")


def show_budgets(console: Console, given: pd.DataFrame) -> None:
    """A line an estimator, with the least and the largest over the points."""
    lines = {
        str(estimator): {
            **{column: _span(rows[column], "d") for column in ("contexts", "rows", "more")},
            "told": ", ".join(rows["told"].dropna().unique()),
            "drawn": _span(rows["drawn"], "d"),
            "seconds": _span(rows["seconds"], ".2g"),
        }
        for estimator, rows in given.groupby("estimator", sort=False)
    }
    console.print(pd.DataFrame(lines).T.to_string(), markup=False)
    console.print("of each replicate; seconds of a core to be fitted and scored, least to largest")


def _span(numbers: pd.Series, digits: str) -> str:
    known = numbers.dropna()
    ends = dict.fromkeys((known.min(), known.max())) if len(known) else ()
    return "–".join(format(end, digits) for end in ends)


def _show_point(console: Console, point: dict[Any, Any]) -> None:
    where = " ".join(f"{key}={point[key]}" for key in POINT if not pd.isna(point.get(key)))
    done = f"{point['done']} of {point['planned']} done"
    numbers = [score for score in point["scores"] if not pd.isna(score)]
    told = f"median {point['score']:.5g}, " if numbers else ""
    console.print(escape(f"{where}: {told}{done}"))
    scores = ", ".join(f"{score:.5g}" for score in point["scores"]) if numbers else "–"
    _show_lines(
        console,
        [
            f"rows {point['rows']} of {point['table']}: {scores}",
            f"replicates {point['replicates']} of {', '.join(point['sources'])}",
        ],
    )


def _show_short(console: Console, records: Records) -> None:
    """How many artefacts of each rule, and the settings and seeds of every training."""
    lost = [name for name, record in records.items() if record is None]
    rules = Counter(record.rule for record in records.values() if record)
    counts = ", ".join(f"{count} by {rule}" for rule, count in rules.items())
    console.print(f"rests on {len(records)} artefacts: {counts} (--all shows them)")
    for name in lost:
        console.print(f"{escape(name)} has no record that can be read", style="red")
    trained = {r.wildcards["run"]: r for r in records.values() if r and r.rule == "train"}
    if not trained:
        return
    settings = {run: flat(record.params) for run, record in trained.items()}
    first = next(iter(settings.values()))
    shared = {k: v for k, v in first.items() if all(s.get(k) == v for s in settings.values())}
    same = f"{len(trained)} trainings" if len(trained) > 1 else "the training"
    console.print(f"settings of {same}:", style="bold")
    _show_lines(console, [_line(shared)])
    for run, record in trained.items():
        own = {k: v for k, v in settings[run].items() if k not in shared}
        about = {f"seeds.{k}": v for k, v in flat(record.seeds).items()} | own
        _show_lines(console, [f"{run}: {_line(about)}"])


def flat(values: JsonValue, prefix: str = "") -> dict[str, JsonValue]:
    """Nested settings by their dotted names; what is empty is left out."""
    if isinstance(values, dict):
        parts = (flat(value, f"{prefix}{key}.") for key, value in values.items())
        return {key: value for part in parts for key, value in part.items()}
    name = prefix.removesuffix(".").removeprefix("spec.")
    return {} if values is None else {name: values}


def _line(settings: Mapping[str, JsonValue]) -> str:
    return " ".join(f"{key}={value}" for key, value in settings.items())


def _making(record: Record | None) -> list[str]:
    about = summary(record)
    if about is None:
        return ["has no record that can be read"]
    return [
        f"{about['rule']} by {about['script']}, {about['start']}",
        f"id {about['id']}, commit {about['commit']}",
    ]


def _given(record: Record | None) -> list[str]:
    if record is None:
        return []
    return [_line(told) for told in (flat(record.seeds, "seeds."), flat(record.params)) if told]


def _show_lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(f"  {escape(line)}", style="dim")

"""A figure's lineage as a drawing in five columns: data sets, sources, points, tables, figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from nao.provenance.lineage import Lineage, behind

COLUMN_WIDTH, ROW_HEIGHT, MARGIN = 210, 22, 24
KINDS = ("data set", "run or baseline", "point", "table", "figure")


@dataclass
class Node:
    """A thing in the drawing, at its place."""

    id: str
    column: int
    label: str
    title: str
    y: float = 0.0

    @property
    def x(self) -> int:
        return MARGIN + self.column * COLUMN_WIDTH

    @property
    def kind(self) -> str:
        return KINDS[self.column]


@dataclass
class Point(Node):
    """A plotted point, with what the page shows of it when it is chosen."""

    content: dict[str, Any] = field(default_factory=dict)


@dataclass
class Picture:
    """Nodes and edges; an edge belongs to the points whose making it is part of."""

    nodes: list[Node]
    edges: list[tuple[Node, Node]]

    @property
    def points(self) -> list[Point]:
        return [node for node in self.nodes if isinstance(node, Point)]

    @property
    def width(self) -> int:
        return MARGIN * 2 + COLUMN_WIDTH * len(KINDS)

    @property
    def height(self) -> float:
        return max(node.y for node in self.nodes) + 2 * MARGIN


def lineage_picture(found: Lineage, points: pd.DataFrame) -> Picture:
    """Lay out what the points were made from, points in the order of their table."""
    figure = Path(found.top).stem
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], None] = {}

    def node(column: int, key: str, label: str) -> str:
        name = f"{figure}-{column}-{key}"
        nodes.setdefault(name, Node(name, column, label, f"{KINDS[column]} {key}"))
        return name

    top = node(4, figure, figure)
    for number, group in enumerate(_merged(points)):
        content = _content(found, group)
        name = f"{figure}-point-{number}"
        nodes[name] = Point(name, 2, content["label"], content["spoken"], content=content)
        table = node(3, content["table"], Path(content["table"]).stem)
        edges |= {(name, table): None, (table, top): None}
        for artefact in content["artefacts"]:
            _connect(artefact, content, name, node, edges)
    _place(list(nodes.values()))
    return Picture(list(nodes.values()), [(nodes[a], nodes[b]) for a, b in edges])


def _connect(artefact: str, content: dict[str, Any], point: str, node, edges) -> None:
    """Edges from a data set over its run or baseline to the point."""
    parts = Path(artefact).parts
    if parts[0] == "datasets":
        for source in content["sources"]:
            run = any(name.startswith(f"runs/{source}/") for name in content["artefacts"])
            key = source if run else f"{source}/{content['estimator']}"
            data = node(0, parts[1], _short(parts[1]))
            edges[data, node(1, key, _short(key))] = None
    elif parts[0] in ("runs", "baselines"):
        key = "/".join(parts[1:-1])
        edges[node(1, key, _short(key)), point] = None


def _short(name: str) -> str:
    """A name that fits its column: its beginning says what varies, the hash at its end which."""
    if "/" in name:
        source, _, estimator = name.partition("/")
        return f"{source[-8:]} · {estimator}"
    return name if len(name) <= 28 else f"{name[:18]}…{name[-8:]}"


def _merged(points: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of one plotted point; metrics of the same estimates are one point."""
    keys = [k for k in points.columns if k in _POINT]
    return [group for _, group in points.groupby(keys, dropna=False, sort=False)]


_POINT = ("experiment", "axis", "value", "estimator", "model", "objective", "kind")


def _content(found: Lineage, group: pd.DataFrame) -> dict[str, Any]:
    row = group.to_dict("records")[0]
    first = {str(key): None if pd.isna(row[key]) else row[key] for key in _POINT if key in row}
    learner = " ".join(str(first[key]) for key in ("estimator", "kind") if first.get(key))
    where = "base point" if first.get("value") is None else f"{first['value']:g}"
    sources = sorted({source for row in group["sources"] for source in row})
    chosen = pd.DataFrame(
        {"table": group["table"].iloc[0], "source": sources, "estimator": first["estimator"]}
    )
    metrics = [
        {"metric": row.get("metric"), "score": row["score"], "scores": row["scores"],
         "rows": row["rows"]}
        for row in group.to_dict("records")
    ]  # fmt: skip
    counts = f"{int(group['done'].iloc[0])} of {int(group['planned'].iloc[0])} done"
    axis = str(first.get("axis") or first["experiment"]).rpartition(".")[2]
    return {
        **first,
        "label": f"{where} · {learner}",
        "spoken": f"{axis} {where}, {learner}, {counts}",
        "counts": counts,
        "table": group["table"].iloc[0],
        "sources": sources,
        "replicates": sorted(set(group["replicates"].iloc[0])),
        "metrics": metrics,
        "artefacts": list(behind(found, chosen)),
    }


def _place(nodes: list[Node]) -> None:
    """Points one below the other; the other columns spread over the same height, in order."""
    tallest = max(sum(node.column == column for node in nodes) for column in range(len(KINDS)))
    for column in range(len(KINDS)):
        mine = [node for node in nodes if node.column == column]
        step = tallest * ROW_HEIGHT / max(len(mine), 1)
        for index, node in enumerate(mine):
            node.y = round(2 * MARGIN + (index + 0.5) * step, 1)

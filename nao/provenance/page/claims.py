"""The claims of a tree: each rule with its verdicts, ready to be read."""

from pathlib import Path
from typing import Any

from nao.provenance.numbers import UnreadableTable, read_table
from nao.provenance.page.document import number

VERDICTS = ("fails", "partly", "undecided", "holds")
NEEDED = ("id", "subject", "statement", "number", "done", "planned", "verdict")


def claims_in(base: Path) -> list[dict[str, Any]]:
    """A group a rule, with a line an estimator; empty where nothing was judged.

    Of every figure's claims where they were judged, else of those that are drawn by default.
    """
    judged = (base / f"{name}.parquet" for name in ("claims_all", "claims"))
    try:
        table = read_table(next(filter(Path.is_file, judged), base / "claims.parquet"))
    except UnreadableTable:
        return []
    if not set(table.columns) >= set(NEEDED):
        return []
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        group = groups.setdefault(str(row["id"]), {"first": row, "lines": []})
        group["lines"].append(_line(row))
    return [
        {
            "id": name,
            "statement": group["first"]["statement"],
            "rule": group["first"].get("rule", ""),
            "quantity": group["first"].get("quantity", "number"),
            "lines": group["lines"],
        }
        for name, group in groups.items()
    ]


def _line(row: dict[str, Any]) -> dict[str, str]:
    low, high = row.get("low"), row.get("high")
    interval = "" if low is None or low != low else f"{number(low)} … {number(high)}"
    return {
        "verdict": str(row["verdict"]),
        "subject": str(row["subject"]),
        "number": number(row["number"]),
        "interval": f"{interval} ({row.get('interval', '')})" if interval else "",
        "range": _range(row.get("accepted_low"), row.get("accepted_high")),
        "done": f"{row['done']} of {row['planned']}",
        "note": str(row.get("note", "")),
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    if low == high:
        return number(low)
    if high == float("inf"):
        return f"≥ {number(low)}"
    return f"≤ {number(high)}" if low == -float("inf") else f"{number(low)} … {number(high)}"


def counts(claims: list[dict[str, Any]]) -> dict[str, int]:
    """How many lines have each verdict, the worst first."""
    told = [line["verdict"] for group in claims for line in group["lines"]]
    return {verdict: told.count(verdict) for verdict in VERDICTS if verdict in told}

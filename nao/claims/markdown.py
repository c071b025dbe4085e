"""The claims table for readers: verdicts at a glance, then each rule with its numbers."""

from typing import Any

import numpy as np
import pandas as pd

HEAD = """# Claims

Each part of a claim is a rule that was fixed before any result: a quantity and the range in which
it must lie. It *holds* where the whole 95 % interval lies in the range and every planned training
finished, *fails* where the interval lies outside, and is borne out *partly* in between; it is
*undecided* where too little was computed. An estimator without an interval is judged by its number.
Replicates redraw training contexts and initialisation, and leave problem and test contexts as they
are. `done` counts the scores that exist, of those that the rule needs; the others failed to train.
"""


def to_markdown(claims: pd.DataFrame) -> str:
    """`claims.md` from the table of `judge`."""
    groups = claims.groupby("id", sort=False)
    subjects = claims.loc[claims["number"].notna(), "subject"].drop_duplicates()
    parts = [HEAD, "## Verdicts\n", _counts(claims, subjects)]
    parts += [_table(["claim", "", *subjects], _overview(groups, subjects)), "## Numbers\n"]
    for name, rows in groups:
        first = rows.iloc[0]
        parts.append(f"### {name}: {first['statement']}\n\nRule: {first['rule']}.\n")
        columns = ["estimator", first["quantity"], "95 % interval", "range", "done", "verdict", ""]
        parts.append(_table(columns, [_numbers(row) for row in rows.itertuples()]))
    return "\n".join(parts)


def _counts(claims: pd.DataFrame, subjects: pd.Series) -> str:
    """A line for each estimator, in the order of the tables: what it bears out of how many."""
    lines = []
    for subject in subjects:
        verdicts = claims.loc[claims["subject"] == subject, "verdict"]
        said = ", ".join(f"{count} {word}" for word, count in verdicts.value_counts().items())
        lines.append(f"- **{subject}**: of {len(verdicts)} parts {said}")
    return "\n".join(lines) + "\n"


def _overview(groups: "pd.api.typing.DataFrameGroupBy", subjects: pd.Series) -> list[list[str]]:
    """A row for each part of a claim: verdict and number of every estimator it is asked of."""
    overview = []
    for name, rows in groups:
        row: Any
        said = {}
        for row in rows.itertuples():
            said[row.subject] = f"{row.verdict} ({_number(row.number)})"
        cells = [said.get(subject, "") for subject in subjects]
        overview.append([str(name), rows.iloc[0]["statement"], *cells])
    return overview


def _numbers(claim: Any) -> list[str]:
    """The cells of one row; `claim` has the attributes of `Claim`."""
    if np.isnan(claim.low):
        interval = "–"
    else:
        interval = f"{_number(claim.low)} … {_number(claim.high)} ({claim.interval})"
    return [
        claim.subject,
        _number(claim.number),
        interval,
        _range(claim.accepted_low, claim.accepted_high),
        f"{claim.done} of {claim.planned}",
        f"**{claim.verdict}**",
        claim.note,
    ]


def _range(low: float, high: float) -> str:
    if low == high:
        return _number(low)
    if np.isinf(high):
        return f"≥ {_number(low)}"
    return f"≤ {_number(high)}" if np.isinf(low) else f"{_number(low)} … {_number(high)}"


def _number(number: float) -> str:
    return "–" if np.isnan(number) else f"{number:.3g}".replace("-", "−")


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"

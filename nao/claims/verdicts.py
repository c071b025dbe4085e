"""From a rule and what it measured to a verdict.

A rule names a quantity and the range in which it must lie. With an interval over replicates,

    holds      the whole interval lies in the range, and every planned training finished
    partly     the interval reaches into the range, or lies in it but some training failed
    fails      the interval lies outside the range
    undecided  the tables hold too little to compute the quantity

Where there is no interval (one replicate, or an estimator that has none) the number decides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from nao.analysis.sweeps import UNKNOWN, Interval

Tables = Mapping[str, pd.DataFrame]
Range = tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """What a rule measured of one estimator; `accepted` where the range depends on the table."""

    estimator: str
    estimate: Interval
    done: int
    planned: int
    note: str = ""
    accepted: Range | None = None


@dataclass(frozen=True)
class Rule:
    """One part of a claim: what is said, what is measured, and which range bears it out."""

    id: str
    statement: str
    rule: str
    quantity: str
    accepted: Range
    tables: tuple[str, ...]
    measure: Callable[[Tables], Iterator[Finding]]


@dataclass(frozen=True)
class Claim:
    """One part of a claim judged for one estimator: a row of the claims table."""

    id: str
    estimator: str
    subject: str  # the estimator as readers know it
    statement: str
    rule: str
    quantity: str
    number: float
    low: float
    high: float
    interval: str  # where low and high are from
    accepted_low: float
    accepted_high: float
    done: int  # scores that exist, of those that the rule needs of this estimator
    planned: int
    verdict: str
    note: str


def verdict(estimate: Interval, accepted: Range, complete: bool) -> str:
    """Holds, partly, fails or undecided, as the module's head says."""
    if np.isnan(estimate.number):
        return "undecided"
    low = estimate.number if np.isnan(estimate.low) else estimate.low
    high = estimate.number if np.isnan(estimate.high) else estimate.high
    if accepted[0] <= low and high <= accepted[1]:
        return "holds" if complete else "partly"
    return "fails" if high < accepted[0] or low > accepted[1] else "partly"


def judged(rules: Iterable[Rule], tables: Tables, labels: Mapping[str, str]) -> pd.DataFrame:
    """The claims table: a row for each rule and estimator, labelled where it has a label."""
    claims = [
        _claim(rule, finding, labels.get(finding.estimator, finding.estimator))
        for rule in rules
        for finding in _findings(rule, tables)
    ]
    return pd.DataFrame(
        [asdict(claim) for claim in claims], columns=[field.name for field in fields(Claim)]
    )


def _findings(rule: Rule, tables: Tables) -> list[Finding]:
    return list(rule.measure(tables)) or [Finding("–", UNKNOWN, 0, 0, "no estimator was trained")]


def _claim(rule: Rule, finding: Finding, subject: str) -> Claim:
    accepted, estimate = finding.accepted or rule.accepted, finding.estimate
    return Claim(
        id=rule.id,
        estimator=finding.estimator,
        subject=subject,
        statement=rule.statement,
        rule=rule.rule,
        quantity=rule.quantity,
        number=estimate.number,
        low=estimate.low,
        high=estimate.high,
        interval=estimate.origin,
        accepted_low=accepted[0],
        accepted_high=accepted[1],
        done=finding.done,
        planned=finding.planned,
        verdict=verdict(estimate, accepted, finding.done == finding.planned),
        note=finding.note,
    )

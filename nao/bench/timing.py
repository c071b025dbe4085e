"""Measure side by side: the machine is shared and its clock changes, so only ratios are steady.

Every round times each subject once, in turning order, so that whatever disturbs one disturbs its
neighbours too. A ratio is the median over rounds of the ratios within a round.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Subject:
    """What to run, and how many units of work one run does; times are per unit."""

    run: Callable[[], object]
    units: float = 1.0


def side_by_side(subjects: Mapping[str, Subject], seconds: float) -> pd.DataFrame:
    """Seconds per unit, a row a round and a column a subject, for about `seconds` in all.

    Each subject runs once beforehand, unmeasured.
    """
    for subject in subjects.values():
        subject.run()
    names, rounds = list(subjects), []
    end = time.perf_counter() + seconds
    while len(rounds) < LEAST_ROUNDS or time.perf_counter() < end:
        order = names if len(rounds) % 2 else names[::-1]
        rounds.append({name: _time(subjects[name]) for name in order})
    return pd.DataFrame(rounds, columns=names)


def ratios(times: pd.DataFrame) -> pd.DataFrame:
    """A row a subject: its median seconds, and its time as a multiple of the first subject's.

    `ratio` is the median over rounds, `ratio_low` and `ratio_high` the quartiles.
    """
    multiples = times.div(times.iloc[:, 0], axis=0)
    low, middle, high = np.quantile(multiples, [0.25, 0.5, 0.75], axis=0)
    return pd.DataFrame(
        {
            "subject": times.columns,
            "seconds": times.median().to_numpy(),
            "ratio": middle,
            "ratio_low": low,
            "ratio_high": high,
            "rounds": len(times),
        }
    )


def _time(subject: Subject) -> float:
    start = time.perf_counter()
    subject.run()
    return (time.perf_counter() - start) / subject.units

"""The claims C1 to C6 and C10: each a rule fixed beforehand, and its verdict from the tables."""

from collections.abc import Mapping

import pandas as pd

from nao.claims.markdown import to_markdown
from nao.claims.rules import RULES
from nao.claims.verdicts import Claim, judged

__all__ = ["RULES", "Claim", "judge", "to_markdown"]


CLASSICAL = {"ridge": "RE", "two_stage_ridge": "TRE", "oracle_ridge": "ORE"}


def judge(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> pd.DataFrame:
    """Every claim's verdict: the fields of `Claim`, a row for each rule and estimator.

    `tables` holds the experiment tables by name, and `prior_moments` (`nao.analysis.tables`). A
    rule whose table is not there is undecided. `labels` names the learners for readers.
    """
    return judged(RULES, tables, CLASSICAL | dict(labels))

"""The claims C1 to C6 and C10: each a rule fixed beforehand, and its verdict from the tables."""

from collections.abc import Mapping

import pandas as pd

from nao.claims.markdown import to_markdown
from nao.claims.rules import RULES
from nao.claims.verdicts import Claim, judged

#: the tables that the rules read, by name
TABLES = tuple(dict.fromkeys(name for rule in RULES for name in rule.tables))

__all__ = ["RULES", "TABLES", "Claim", "judge", "to_markdown"]


def judge(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Every claim's verdict: the fields of `Claim`, a row for each rule and estimator.

    `tables` holds the experiment tables by name, and `prior_moments` (`nao.analysis.tables`). A
    rule whose table is not there is undecided.
    """
    return judged(RULES, tables)

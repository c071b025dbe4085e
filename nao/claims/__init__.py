"""The claims: each a rule fixed beforehand, and its verdict from the tables."""

from collections.abc import Mapping

import pandas as pd

from nao.claims.markdown import to_markdown
from nao.claims.rules import RULES
from nao.claims.verdicts import Claim, judged

__all__ = ["RULES", "Claim", "judge", "to_markdown"]


CLASSICAL = {
    "ridge": "RE",
    "two_stage_ridge": "TRE",
    "empirical_bayes": "EM",
    "mixture_em": "EM, mixture",
    "oracle_ridge": "ORE",
    "posterior_mean": "posterior mean",
}


def judge(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> pd.DataFrame:
    """Every verdict that these tables allow: the fields of `Claim`, a row a rule and estimator.

    `tables` holds the experiment tables by name, and `prior_moments` (`nao.analysis.tables`). A
    rule is judged where all its tables are there. `labels` names the learners for readers.
    """
    rules = [rule for rule in RULES if set(rule.tables) <= tables.keys()]
    return judged(rules, tables, CLASSICAL | dict(labels))

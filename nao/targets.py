"""What can be asked for: figures and claims, and the tables that they are made of.

Neither torch nor matplotlib is imported: rules, audit and plan ask.
"""

from nao.config import TABLE_KINDS
from nao.figures import FIGURES

DEFAULT_FIGURES = ("fig1", "fig2", "fig3", "fig7")
CLAIMS = {
    "claims": DEFAULT_FIGURES,
    "claims_all": (*DEFAULT_FIGURES, "fig4", "fig5", "fig6", "fig8", "fig9", "fig10"),
}
"""By the name of their files: the figures by whose tables and the base point's they are judged."""


def table(name: str) -> str:
    """The path of an experiment's table; a folder holds tables of one schema, to be read as one."""
    kind = name.rpartition("_")[2]
    return f"{kind if kind in TABLE_KINDS else 'experiments'}/{name}.parquet"


def experiment_of(table: str) -> str:
    """The experiment that a table is of."""
    experiment, _, kind = table.rpartition("_")
    return experiment if kind in TABLE_KINDS else table


def claim_tables(claims: str) -> list[str]:
    """The tables by which the claims of that name are judged."""
    shown = (name for each in CLAIMS[claims] for name in FIGURES[each].tables)
    of_figures = (name for name in shown if not name.endswith("_examples"))  # which prove nothing
    return list(dict.fromkeys(["prior", *of_figures]))

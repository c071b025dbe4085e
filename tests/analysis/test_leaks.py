"""An estimator that has seen the test contexts' w does not come into a table."""

import numpy as np
import pandas as pd
import pytest

from nao.analysis.evaluation import Estimates, score_estimates
from nao.analysis.leaks import LeakError, refuse_leaks
from nao.analysis.tables import SYMMETRISED, tabulate
from tests.evaluated import contexts, read_scores, smoke_plan, smoke_tables


def with_leak(experiment: str, share: float, prefix: str) -> pd.DataFrame:
    """The table, were `share` of each test context's own w mixed into what a trained one says."""
    plan = smoke_plan()

    def read(estimator: str, source: str, elsewhere: str | None) -> pd.DataFrame:
        scores, run = read_scores(estimator, source), plan.runs.get(source)
        if run is None:
            return scores
        test = contexts(run.dataset.identity, "test")
        assert test.w is not None
        noise = np.random.default_rng(0).standard_normal(test.w.shape)
        own = Estimates((test.w + (1 - share) * noise)[None], (0,))
        return score_estimates(own, test, estimator, run.model.kind, prefix=prefix)

    return tabulate(experiment, plan.experiments[experiment], plan.datasets, read)


@pytest.mark.parametrize("name", sorted(smoke_tables()))
def test_tables_of_estimators_that_do_not_see_w_pass(name):
    if "metric" in smoke_tables()[name]:
        refuse_leaks(smoke_tables()[name])


@pytest.mark.parametrize("prefix", ["", SYMMETRISED])
@pytest.mark.parametrize("experiment", ["prior", "noise"])
def test_w_of_the_test_contexts_in_an_estimator_is_found(experiment, prefix):
    with pytest.raises(LeakError, match="their w has leaked into it") as found:
        with_leak(experiment, 0.999, prefix)
    run = next(iter(smoke_plan().experiments[experiment].points[0].runs.values()))
    assert run in str(found.value)
    with_leak(experiment, 0.2, prefix)  # far above the oracle, and no proof of a leak


def test_each_point_has_a_floor_of_its_own():
    table = smoke_tables()["noise"].copy()
    floors = table[table["metric"] == "rmse_floor"].set_index("value")["score"]
    oracle = table[(table["metric"] == "rmse") & (table["estimator"] == "oracle_ridge")]
    assert set(floors.index) == set(table["value"])
    assert (oracle.set_index("value")["score"] > floors).all()
    # What is possible where the noise is small is not where it is large.
    quiet, loud = min(floors.index), max(floors.index)
    leaked = oracle[oracle["value"] == quiet].assign(value=loud, estimator="nao")
    with pytest.raises(LeakError):
        refuse_leaks(pd.concat([table, leaked]))


def test_failed_trainings_prove_nothing():
    table = smoke_tables()["noise"].copy()
    table.loc[table["model"].notna(), "score"] = np.nan
    refuse_leaks(table)

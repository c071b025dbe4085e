"""The cost of the estimators per context, against scikit-learn and SciPy in a loop.

The loops run on the first few contexts of those that ours run on.
"""

import numpy as np
import pandas as pd

from nao.bench import loops
from nao.bench.timing import Subject, ratios, side_by_side
from nao.estimators.empirical_bayes import fit_mixed_model
from nao.estimators.oracle import oracle_ridge
from nao.estimators.ridge import GRID, ZOOM, ZOOMS, ridge
from nao.estimators.two_stage import fit_prior
from nao.seeding import stream
from nao.specs import ProblemSpec
from nao.tasks.problems import Contexts, Problem, draw_problem, sample_contexts

CONTEXTS = 10_000
PENALTIES = len(GRID) + len(ZOOM) * ZOOMS  # at how many our ridge evaluates GCV


def compare_estimators(seconds: float, contexts: int = CONTEXTS) -> pd.DataFrame:
    """Ridge, two-stage and oracle ridge at d = 100, n = 50; EM at d = 40, n = 20."""
    problem, drawn = _drawn(100, 50, contexts)
    x, y = drawn.x, drawn.y

    def two_stages() -> np.ndarray:
        return fit_prior(drawn).estimate(drawn)

    few, some, many = (_first(drawn, count) for count in (10, 50, 500))
    grids = {
        f"RidgeCV, as many penalties ({PENALTIES})": PENALTIES,
        f"RidgeCV, the first grid alone ({len(GRID)})": len(GRID),
    }
    cases = {
        "ridge": {
            "NAO": Subject(lambda: ridge(x, y), contexts),
            **{
                name: Subject(lambda count=count: loops.ridge_cv(few.x, few.y, count), len(few))
                for name, count in grids.items()
            },
            "SciPy's SVD": Subject(lambda: loops.ridge_svd(some.x, some.y, PENALTIES), len(some)),
        },
        "two_stage_ridge, both stages": {
            "NAO": Subject(two_stages, contexts),
            "SciPy's SVD": Subject(lambda: loops.two_stage(many.x, many.y, PENALTIES), len(many)),
        },
        "oracle_ridge": {
            "NAO": Subject(lambda: oracle_ridge(problem).estimate(drawn), contexts),
            "scipy.linalg.solve": Subject(lambda: loops.oracle(problem, many.x, many.y), len(many)),
        },
    }
    tables = [_measured(name, 100, 50, subjects, seconds) for name, subjects in cases.items()]
    return pd.concat([*tables, _compare_em(seconds)])


def _compare_em(seconds: float) -> pd.DataFrame:
    """A whole fit of given rank, both to the same gain in likelihood."""
    _, drawn = _drawn(40, 20, 200)
    x, y = drawn.x.astype(np.float64), drawn.y.astype(np.float64)
    subjects = {
        "NAO": Subject(lambda: fit_mixed_model(drawn, rank=2), len(x)),
        "EM by SciPy's Cholesky": Subject(
            lambda: loops.expectation_maximisation(x, y, rank=2), len(x)
        ),
    }
    return _measured("empirical_bayes, a fit of rank 2", 40, 20, subjects, seconds)


def _measured(
    name: str, d: int, n: int, subjects: dict[str, Subject], seconds: float
) -> pd.DataFrame:
    contexts = int(subjects["NAO"].units)
    case = f"{name}: n = {n}, d = {d}, {contexts:,} contexts"
    return ratios(side_by_side(subjects, seconds)).assign(topic="estimator", case=case)


def _drawn(d: int, n: int, contexts: int) -> tuple[Problem, Contexts]:
    problem = draw_problem(
        ProblemSpec.model_validate({"dimension": d, "prior": {"rank": 2}, "noise": {"std": 0.1}}), 0
    )
    return problem, sample_contexts(problem, n, contexts, stream(0, "bench"), np.float32)


def _first(contexts: Contexts, count: int) -> Contexts:
    return Contexts(contexts.x[:count].astype(float), contexts.y[:count].astype(float))

"""Experiment tables: what every point of one sweep reached, a row a number.

`tabulate` gathers the scores and `tabulate_priors` the extracted priors of one experiment. Both
are given a function that reads what was stored for a source, so that they know no path: a source
is the run of a trained estimator and the data set of any other.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from nao.analysis.leaks import refuse_leaks
from nao.plan import Experiment, Point
from nao.specs import DatasetSpec, RunSpec

SYMMETRISED = "symmetrised_"
"""Before the name of a metric: of estimates averaged over orders and signs of the rows."""

MEMORISED = "memorised_"
"""Before the name of a metric: on contexts that a learner was trained on."""

#: what tells the points and the estimators of a table apart
KEYS = {
    "experiment": "string",
    "axis": "string",
    "value": "Float64",
    "setting": "string",
    "context_length": "int64",
    "task_dimension": "Int64",
    "estimator": "string",
    "model": "string",
    "objective": "string",
    "replicate": "Int64",
}
COLUMNS = KEYS | {
    "layers": "Int64",
    "metric": "string",
    "score": "float64",
    "reason": "string",
    "source": "string",
}
MOMENTS = ("mean", "covariance", "eigenvalues", "rank")


def tabulate(
    name: str,
    experiment: Experiment,
    datasets: Mapping[str, DatasetSpec],
    read: Callable[[str, str, str | None], pd.DataFrame],
) -> pd.DataFrame:
    """The scores of one experiment: the columns of `COLUMNS`, one row per number.

    `read(estimator, source, elsewhere)` gives the scores stored for one estimator on the tasks that
    it was fitted to or, where it is tested out of distribution, on those of that data set. Beside
    the swept value stand n and r_w of its point, which say where the scaling laws apply; the
    setting of a point, or a value that is a name, stands in `setting`, and r_w is null where the
    prior has no rank. A replicate whose training failed keeps its rows, with a score of NaN.
    Raises ValueError where a source lacks a column, and `LeakError` where an estimator is better
    than one that has not seen w can be.
    """
    columns = (
        "estimator",
        "model",
        "objective",
        "layers",
        "replicate",
        "metric",
        "score",
        "reason",
    )
    frames = []
    for point in experiment.points:
        sources = [(estimator, point.fitted) for estimator in experiment.baselines]
        elsewhere = None if point.dataset == point.fitted else point.dataset
        for estimator, source in (*sources, *point.runs.items()):
            frame = read(estimator, source, elsewhere)
            frame = _checked(frame, columns, f"scores of {estimator}, {source}")
            frames.append(
                frame.assign(
                    experiment=name,
                    axis=experiment.axis,
                    value=point.value,
                    setting=point.setting,
                    context_length=datasets[point.dataset].context_length,
                    task_dimension=datasets[point.dataset].problem.task_dimension,
                    source=source,
                ).astype(COLUMNS)
            )
    table = pd.concat(frames, ignore_index=True)[list(COLUMNS)]
    refuse_leaks(table, ("rmse", f"{SYMMETRISED}rmse"))
    return table


def tabulate_priors(
    name: str,
    experiment: Experiment,
    runs: Mapping[str, RunSpec],
    read: Callable[[str], pd.DataFrame],
) -> pd.DataFrame:
    """The priors extracted from the trained estimators of one experiment, beside the truth.

    `read(run)` gives one run's extracted prior. One row per run, replicate and kind (true, raw,
    corrected): the columns of `KEYS`, `kind`, `mean` (d), `covariance` (d·d, row-major),
    `eigenvalues` (d, falling), `rank`, `test_contexts` (how many estimates the moments were taken
    over) and `source`. Raises ValueError where a source lacks a column.
    """
    frames = []
    for point in experiment.points:
        for learner, run in point.runs.items():
            frame = _checked(read(run), ("replicate", "kind", *MOMENTS), f"prior of {run}")
            keyed = at_point(frame, name, experiment, point, learner, runs[run])
            keyed = keyed.assign(test_contexts=runs[run].dataset.test_contexts)
            frames.append(keyed.astype({"kind": "string", "rank": "Int64"}))
    columns = [*KEYS, "kind", *MOMENTS, "test_contexts", "source"]
    return pd.concat(frames, ignore_index=True)[columns]


def at_point(
    frame: pd.DataFrame, name: str, experiment: Experiment, point: Point, learner: str, run: RunSpec
) -> pd.DataFrame:
    """What was found of one trained estimator, with the columns of `KEYS` and `source`."""
    return frame.assign(
        experiment=name,
        axis=experiment.axis,
        value=point.value,
        setting=point.setting,
        context_length=run.dataset.context_length,
        task_dimension=run.dataset.problem.task_dimension,
        estimator=learner,
        model=run.model.kind,
        objective=run.training.objective,
        source=point.runs[learner],
    ).astype(KEYS | {"source": "string"})


def in_scaling_regime(table: pd.DataFrame) -> pd.Series:
    """Whether r_w < n/2 at a row's point: where the slides state the law O(r_w σ_ε² / n)."""
    return 2 * table["task_dimension"] < table["context_length"]


def fitted_at(table: pd.DataFrame) -> float | None:
    """The value at which estimators were fitted that are tested along the sweep; None if at none.

    What theory says stands there alone, for it is of the tasks that an estimator was fitted to.
    """
    values = table.loc[table["metric"] == "expected_rmse", "value"].unique()
    return float(values[0]) if len(values) == 1 else None


def _checked(frame: pd.DataFrame, columns: tuple[str, ...], place: str) -> pd.DataFrame:
    if missing := [column for column in columns if column not in frame]:
        raise ValueError(
            f"the {place} have no column {', '.join(missing)}: that file is no such table of this "
            "project, or an old one; delete it and make it again"
        )
    return frame

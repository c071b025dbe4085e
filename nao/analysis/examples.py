"""A few test contexts of every point of an experiment: their w beside each estimate of it.

Columns: those of `KEYS`, `source`, and

    kind      true (w), estimate (ŵ), design (eigenvalues of Σ_x, falling), noise (σ_ε²/n: alone)
    context   the row of the test file; null where the kind has none
    values    of that kind, a list
    error     ‖ŵ − w‖ of an estimate

The contexts are the first of the test file, and the replicate of a trained estimator its first: no
example is chosen by how well it came out.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from nao.analysis.evaluation import Estimates
from nao.analysis.tables import KEYS
from nao.plan import Experiment, Point
from nao.specs import DatasetSpec
from nao.tasks.problems import Contexts, Problem

SHOWN = 6
"""Test contexts at every point."""
COLUMNS = KEYS | {
    "kind": "string",
    "context": "Int64",
    "values": "object",
    "error": "float64",
    "source": "string",
}


def tabulate_examples(
    name: str,
    experiment: Experiment,
    datasets: Mapping[str, DatasetSpec],
    read: Callable[[str], tuple[Problem, Contexts]],
    read_estimates: Callable[[str, str], Estimates],
) -> pd.DataFrame:
    """Examples at every point of one experiment, in the columns of `COLUMNS`.

    `read(dataset)` gives the problem and the test contexts of a data set, w included, and
    `read_estimates(estimator, source)` what an estimator made of them.
    """
    rows = []
    for point in experiment.points:
        if point.dataset != point.fitted:
            raise ValueError(
                f"{name} is tested on other tasks than it was fitted to, and only scores are kept "
                "of that; ask for the examples of an experiment with trained: point"
            )
        problem, test = read(point.dataset)
        assert test.w is not None
        keys = _keys(name, experiment, point, datasets[point.dataset]) | {"source": point.dataset}
        spectrum = np.linalg.eigvalsh(problem.design_covariance)[::-1]
        noise = [problem.noise_std**2 / test.x.shape[1]]
        rows += [keys | {"kind": "design", "values": spectrum}]
        rows += [keys | {"kind": "noise", "values": np.array(noise)}]
        truth = test.w[:SHOWN].astype(np.float64)
        rows += [keys | {"kind": "true", "context": i, "values": w} for i, w in enumerate(truth)]
        sources = ((estimator, point.fitted) for estimator in experiment.baselines)
        for estimator, source in (*sources, *point.runs.items()):
            found = read_estimates(estimator, source)
            own = {"kind": "estimate", "estimator": estimator, "source": source} | {
                "replicate": found.replicates[0]
            }
            for i, w_hat in enumerate(found.w_hat[0, : len(truth)].astype(np.float64)):
                error = float(np.linalg.norm(w_hat - truth[i]))
                rows.append(keys | own | {"context": i, "values": w_hat, "error": error})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _keys(
    name: str, experiment: Experiment, point: Point, dataset: DatasetSpec
) -> dict[str, object]:
    return {
        "experiment": name,
        "axis": experiment.axis,
        "value": point.value,
        "setting": point.setting,
        "context_length": dataset.context_length,
        "task_dimension": dataset.problem.task_dimension,
    }

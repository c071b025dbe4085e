"""How a network comes to its estimate: its layers beside the iterates of known algorithms.

The algorithms solve the oracle's own problem, H z = SᵀY' with S = XUΛ^{1/2}, H = SᵀS + σ_ε²I and
Y' = Y − Xw_0, so that ŵ_k = w_0 + UΛ^{1/2} f_k(SᵀS) SᵀY' with f_k a function of its eigenvalues s:

    gradient   f_{k+1} = f_k + a [1 − (s + σ_ε²) f_k],                            f_0 = 0
    leapfrog   f_{k+1} = f_k + a (1 − s g_k),   g_{k+1} = g_k + f_{k+1},     f_0 = g_0 = 0
    newton     f_{k+1} = 2 f_k − (s + σ_ε²) f_k²,                  f_0 = a² (s + σ_ε²)

(for the leapfrog `nao.models.leapfrog`, without a ridge; for Newton's inverse Schulz 1933, and
Fu, Chen, Jia and Sharan, NeurIPS 2024). Each has one number a, the best of a grid.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from nao.analysis.metrics import rmse
from nao.analysis.tables import KEYS, at_point
from nao.plan import Experiment
from nao.specs import RunSpec
from nao.tasks.problems import Contexts, Problem
from nao.theory.posterior import bayes_risk

ITERATIONS = 12
"""Of each algorithm, after the start."""
GRID = np.geomspace(0.02, 4, 80)
"""Values of a, in units of the mean inverse of the largest eigenvalue."""

Values = Float[np.ndarray, "batch r"]
Filters = list[Float[np.ndarray, "batch r"]]

#: columns of what `describe` says of a run, null where they do not apply
COLUMNS = {
    "replicate": "Int64",
    "layer": "Int64",
    "against": "string",
    "iteration": "Int64",
    "metric": "string",
    "score": "float64",
}


def gradient(s: Values, ridge: float, a: float) -> Filters:
    """f_0 … f_K of gradient descent with steps of length a."""
    filters = [np.zeros_like(s)]
    for _ in range(ITERATIONS):
        filters.append(filters[-1] + a * (1 - (s + ridge) * filters[-1]))
    return filters


def leapfrog(s: Values, ridge: float, a: float) -> Filters:
    """f_0 … f_K of the leapfrog steps that the network starts from; it knows no ridge."""
    filters, total = [np.zeros_like(s)], np.zeros_like(s)
    for _ in range(ITERATIONS):
        filters.append(filters[-1] + a * (1 - s * total))
        total = total + filters[-1]
    return filters


def newton(s: Values, ridge: float, a: float) -> Filters:
    """f_0 … f_K of Newton's iteration for the inverse of H, from a² H."""
    filters = [a**2 * (s + ridge)]
    for _ in range(ITERATIONS):
        filters.append(2 * filters[-1] - (s + ridge) * filters[-1] ** 2)
    return filters


ALGORITHMS: Mapping[str, Callable[[Values, float, float], Filters]] = {
    "gradient": gradient,
    "leapfrog": leapfrog,
    "newton": newton,
}


def iterates(problem: Problem, test: Contexts) -> dict[str, Float[np.ndarray, "K batch d"]]:
    """ŵ_0 … ŵ_K of every algorithm, with the a whose best iterate comes nearest to w."""
    loading = problem.prior_basis * np.sqrt(problem.prior_variances)
    seen = test.x @ loading
    s, directions = np.linalg.eigh(seen.transpose(0, 2, 1) @ seen)
    s = np.maximum(s, 0)
    residual = test.y - test.x @ problem.prior_mean
    gathered = np.einsum("bki,bnk,bn->bi", directions, seen, residual)
    found = {}
    for name, algorithm in ALGORITHMS.items():
        least = np.inf
        for a in GRID * np.mean(1 / s[:, -1]):
            with np.errstate(over="ignore", invalid="ignore"):
                filters = np.stack(algorithm(s, problem.noise_std**2, a))
                z = np.einsum("bki,mbi->mbk", directions, filters * gathered)
                estimates = problem.prior_mean + z @ loading.T
                errors = np.mean(np.sum((estimates - test.w) ** 2, -1), -1)
            if np.isfinite(errors).all() and errors.min() < least:
                least, found[name] = errors.min(), estimates
    return found


def scaled(
    w_hat: Float[np.ndarray, "batch d"], w: Float[np.ndarray, "batch d"]
) -> Float[np.ndarray, "batch d"]:
    """a ŵ + b with the number a and the vector b, common to all contexts, that come nearest to w.

    The read-out is scaled for the last layer. What an earlier one has found is seen up to its size.
    """
    centred, truth = w_hat - w_hat.mean(0), w - w.mean(0)
    size = np.sum(centred**2)
    return w.mean(0) + (np.sum(centred * truth) / size if size > 0 else 0.0) * centred


def code_angles(
    codes: Float[np.ndarray, "c d"], problem: Problem
) -> dict[str, Float[np.ndarray, " angles"]]:
    """Principal angles, in degrees and falling, of the codes' span with w_0 and with span(U)."""
    from scipy.linalg import subspace_angles  # here, for it is slow to load

    held = {"w_0": problem.prior_mean[:, None], "U": problem.prior_basis}
    return {
        name: np.degrees(subspace_angles(codes.T, basis))
        for name, basis in held.items()
        if np.linalg.norm(basis) > 0
    }


def describe(
    layers: Float[np.ndarray, "S L B d"],
    shares: Float[np.ndarray, "S L"],
    codes: Mapping[str, Float[np.ndarray, "S c d"]],
    replicates: Sequence[int],
    problem: Problem,
    test: Contexts,
) -> pd.DataFrame:
    """What the layers of a run's members hold, in the columns of `COLUMNS`; NaN where they failed.

    `rmse`: of each layer's read-out (`scaled`), of each iterate of each algorithm, and expected of
    the oracle; `distance`: root mean square of the difference of the former two; `share`: of the
    rows' squares in the span of w_0 and U; and for each entry of `codes`, a metric so named, the
    angles of `code_angles`.
    """
    assert test.w is not None
    found = iterates(problem, test)
    oracle = float(np.sqrt(np.mean(bayes_risk(problem, test.x))))
    rows: list[tuple] = [(None, None, "oracle", None, "rmse", oracle)]
    for name, steps in found.items():
        rows += [
            (None, None, name, k, "rmse", rmse(w_hat, test.w)) for k, w_hat in enumerate(steps)
        ]
    for member, replicate in enumerate(replicates):
        for layer, w_hat in enumerate(layers[member].astype(np.float64)):
            said = scaled(w_hat, test.w)
            rows.append((replicate, layer, None, None, "rmse", rmse(said, test.w)))
            rows.append((replicate, layer, None, None, "share", float(shares[member, layer])))
            for name, steps in found.items():
                for k, iterate in enumerate(steps):
                    rows.append((replicate, layer, name, k, "distance", rmse(said, iterate)))
        for metric, each in codes.items():
            if np.isfinite(each[member]).all():
                for name, angles in code_angles(each[member], problem).items():
                    for k, angle in enumerate(angles, 1):
                        rows.append((replicate, None, name, k, metric, float(angle)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def prior_span(problem: Problem) -> Float[np.ndarray, "d k"]:
    """An orthonormal basis of span(w_0, U)."""
    basis, size, _ = np.linalg.svd(
        np.column_stack([problem.prior_mean, problem.prior_basis]), full_matrices=False
    )
    return basis[:, size > 1e-12 * size[0]]


def tabulate_layers(
    name: str,
    experiment: Experiment,
    runs: Mapping[str, RunSpec],
    read: Callable[[str], pd.DataFrame],
) -> pd.DataFrame:
    """What `read(run)` describes of those `runs` of an experiment, with the keys of its table."""
    columns = [*KEYS, *(column for column in COLUMNS if column not in KEYS), "source"]
    frames = [
        at_point(read(run), name, experiment, point, learner, runs[run])
        for point in experiment.points
        for learner, run in point.runs.items()
        if run in runs
    ]
    return pd.concat(frames, ignore_index=True)[columns]

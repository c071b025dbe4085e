"""One preconditioned gradient step, exactly: what a single layer of linear attention can do.

    ŵ = s + P g,   g = Xᵀ(Y − Xs)/n,   x_i ~ N(0, C),   w of mean w_0 and covariance S

in any dimension and for any number of rows (Ahn, Cheng, Daneshmand and Sra, NeurIPS 2023; Wu, Zou,
Chen, Braverman, Gu and Bartlett, ICLR 2024). Only the second moment M = S + (w_0 − s)(w_0 − s)ᵀ of
w − s matters, not its law.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nao.tasks.problems import Problem


@dataclass(frozen=True, eq=False)
class Step:
    """A start s and a preconditioner P."""

    start: Float[np.ndarray, " d"]
    preconditioner: Float[np.ndarray, "d d"]


def gradient_moment(
    problem: Problem, context_length: int, moment: Float[np.ndarray, "d d"]
) -> Float[np.ndarray, "d d"]:
    """B(M) = E[g gᵀ] = (1 + 1/n) C M C + [tr(MC) + σ_ε²]/n · C, by the fourth moments of x."""
    n, covariance = context_length, problem.design_covariance
    seen = np.trace(moment @ covariance) + problem.noise_std**2
    return (1 + 1 / n) * covariance @ moment @ covariance + seen / n * covariance


def one_step_risk(problem: Problem, context_length: int, step: Step) -> float:
    """E‖ŵ − w‖² = tr M − 2 tr(P C M) + tr(P B(M) Pᵀ) of any step, a learned one too.

    `problem` is the one that the step is used on: another than it was learned from gives its risk
    out of distribution. Raises ValueError where the step has another dimension.
    """
    d, p = problem.dimension, step.preconditioner
    if p.shape != (d, d) or step.start.shape != (d,):
        raise ValueError(
            f"a start of shape {step.start.shape} and a preconditioner of shape {p.shape} make no "
            f"step in d = {d} dimensions; give shapes ({d},) and ({d}, {d})"
        )
    away = problem.prior_mean - step.start
    moment = problem.prior_covariance + np.outer(away, away)
    gain = np.trace(p @ problem.design_covariance @ moment)
    spread = np.trace(p @ gradient_moment(problem, context_length, moment) @ p.T)
    return float(np.trace(moment) - 2 * gain + spread)


def best_step(problem: Problem, context_length: int) -> Step:
    """s = w_0 and P = S C B(S)⁻¹, the least risk of all steps: tr S − tr(P C S)."""
    covariance, prior = problem.design_covariance, problem.prior_covariance
    moment = gradient_moment(problem, context_length, prior)
    return Step(problem.prior_mean, np.linalg.solve(moment, covariance @ prior).T)

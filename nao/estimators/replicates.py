"""A classical estimator on test contexts, fitted anew to every replicate of the training ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nao.analysis.evaluation import Estimates, score_estimates
from nao.estimators.estimator import APART
from nao.estimators.table import ESTIMATORS
from nao.tasks.datasets import read_contexts, read_design, read_spec
from nao.tasks.problems import Contexts, Problem


def in_every_replicate(
    name: str, files: Mapping[str, str], test: Contexts, truth: Problem | None
) -> tuple[Estimates, pd.DataFrame]:
    """Estimates and scores of the estimator of that name; `test` must hold w.

    `files` are the data sets `test` and, where the estimator learns from contexts, `train`; both
    replicates and truth are those that it is fitted to, whatever tasks it is tested on. Where it
    has no answer, estimates and scores are NaN; beside each score that is NaN stands the reason.
    """
    estimator, sigma = ESTIMATORS[name], read_design(files["test"]).covariance
    members = (None,)
    if estimator.needs_training:
        members = tuple(read_spec(files["train"]).members)
    every, scores = [], []
    for replicate in members:
        training = None if replicate is None else read_contexts(files["train"], replicate=replicate)
        answer = estimator.attempt(test, training, truth)
        if answer.reason:
            print(f"replicate {replicate}: no estimates, scored as NaN: {answer.reason}")
        variance = None if answer.variance is None else answer.variance[None]
        found = Estimates(answer.w_hat[None], (replicate,), variance)
        own = score_estimates(found, test, name, design_covariance=sigma)
        every.append(answer.w_hat)
        reason = answer.reason or f"it is no number {APART}"
        scores.append(own.assign(reason=own["reason"].mask(own["score"].isna(), reason)))
    return Estimates(np.stack(every), members), pd.concat(scores, ignore_index=True)

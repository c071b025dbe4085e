import numpy as np
import pandas as pd

from nao.analysis.evaluation import (
    Estimates,
    score_estimates,
    score_theory,
    write_estimates,
    write_table,
)
from nao.estimators.table import ESTIMATORS
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_design, read_spec, read_truth

name = snakemake.wildcards.estimator
estimator, given = ESTIMATORS[name], snakemake.input
with observed(snakemake):
    test = read_contexts(given.test, ("x", "y", "w"))
    sigma = read_design(given.test).covariance
    truth = read_truth(given.truth) if estimator.needs_truth else None
    # What is fitted to training contexts is fitted anew in each replicate.
    members = tuple(read_spec(given.test).members) if estimator.needs_training else (None,)
    every, scores = [], []
    for replicate in members:
        training = None if replicate is None else read_contexts(given.train, replicate=replicate)
        answer = estimator.attempt(test, training, truth)
        if answer.reason:
            print(f"replicate {replicate}: no estimates, scored as NaN: {answer.reason}")
        variance = None if answer.variance is None else answer.variance[None]
        found = Estimates(answer.w_hat[None], (replicate,), variance)
        own = score_estimates(found, test, name, design_covariance=sigma)
        every.append(answer.w_hat)
        scores.append(own.assign(reason=pd.array([answer.reason] * len(own), dtype="string")))
    if name == "oracle_ridge":
        assert truth is not None
        scores.append(score_theory(truth, test, name))
    write_estimates(snakemake.output.estimates, Estimates(np.stack(every), members))
    write_table(snakemake.output.scores, pd.concat(scores, ignore_index=True))

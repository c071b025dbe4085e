import numpy as np
import pandas as pd

from nao.analysis.evaluation import (
    Estimates,
    score_estimates,
    score_theory,
    write_estimates,
    write_table,
)
from nao.estimators import ESTIMATORS
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_spec, read_truth

name = snakemake.wildcards.estimator
estimator, given = ESTIMATORS[name], snakemake.input
with observed(snakemake):
    test = read_contexts(given.test, ("x", "y", "w"))
    truth = read_truth(given.truth) if estimator.needs_truth else None
    # What is fitted to training contexts is fitted anew in each replicate.
    members = read_spec(given.test).members if estimator.needs_training else [None]
    w_hat = []
    for replicate in members:
        training = None if replicate is None else read_contexts(given.train, replicate=replicate)
        w_hat.append(estimator.estimate(test, training, truth))
    estimates = Estimates(np.stack(w_hat), tuple(members))
    scores = score_estimates(estimates, test, name)
    if truth is not None:
        scores = pd.concat([scores, score_theory(truth, test, name)], ignore_index=True)
    write_estimates(snakemake.output.estimates, estimates)
    write_table(snakemake.output.scores, scores)

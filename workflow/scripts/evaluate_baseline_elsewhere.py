import pandas as pd

from nao.analysis.evaluation import Estimates, score_estimates, write_table
from nao.estimators.table import ESTIMATORS
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_design, read_spec, read_truth

name = snakemake.wildcards.estimator
estimator, given = ESTIMATORS[name], snakemake.input
with observed(snakemake):
    test = read_contexts(given.test, ("x", "y", "w"))
    sigma = read_design(given.test).covariance
    # Told the truth of the tasks that it was fitted to: what it knows is out of date.
    truth = read_truth(given.truth) if estimator.needs_truth else None
    members = tuple(read_spec(given.test).members) if estimator.needs_training else (None,)
    scores = []
    for replicate in members:
        training = None if replicate is None else read_contexts(given.train, replicate=replicate)
        answer = estimator.attempt(test, training, truth)
        variance = None if answer.variance is None else answer.variance[None]
        found = Estimates(answer.w_hat[None], (replicate,), variance)
        own = score_estimates(found, test, name, design_covariance=sigma)
        scores.append(own.assign(reason=pd.array([answer.reason] * len(own), dtype="string")))
    write_table(snakemake.output.scores, pd.concat(scores, ignore_index=True))

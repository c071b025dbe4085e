import pandas as pd

from nao.analysis.evaluation import score_theory, write_estimates, write_table
from nao.estimators.replicates import in_every_replicate
from nao.estimators.table import ESTIMATORS
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_truth

name, given = snakemake.wildcards.estimator, snakemake.input
with observed(snakemake):
    test = read_contexts(given.test, ("x", "y", "w"))
    truth = read_truth(given.truth) if ESTIMATORS[name].needs_truth else None
    found, scores = in_every_replicate(name, dict(given.items()), test, truth)
    if name == "oracle_ridge":
        assert truth is not None
        scores = pd.concat([scores, score_theory(truth, test, name)], ignore_index=True)
    write_estimates(snakemake.output.estimates, found)
    write_table(snakemake.output.scores, scores)

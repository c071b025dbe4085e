from nao.analysis.evaluation import write_table
from nao.estimators.replicates import in_every_replicate
from nao.estimators.table import ESTIMATORS
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_truth

name, given = snakemake.wildcards.estimator, snakemake.input
with observed(snakemake):
    test = read_contexts(given.test, ("x", "y", "w"))
    # Told the truth of the tasks that it was fitted to: what it knows is out of date.
    truth = read_truth(given.truth) if ESTIMATORS[name].needs_truth else None
    _, scores = in_every_replicate(name, dict(given.items()), test, truth)
    write_table(snakemake.output.scores, scores)

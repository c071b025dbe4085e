from nao.analysis.evaluation import read_estimates, write_table
from nao.analysis.recovery import tabulate_recovered
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_truth

with observed(snakemake):
    estimates = read_estimates(snakemake.input.estimates)
    test = read_contexts(snakemake.input.test)
    truth = read_truth(snakemake.input.truth)
    write_table(snakemake.output.prior, tabulate_recovered(estimates, test.x, truth))

from nao.datasets import read_contexts, read_truth
from nao.evaluation import read_estimates, write_table
from nao.provenance.observer import observed
from nao.recovery import tabulate_recovered

with observed(snakemake):
    estimates = read_estimates(snakemake.input.estimates)
    test = read_contexts(snakemake.input.test)
    truth = read_truth(snakemake.input.truth)
    write_table(snakemake.output.prior, tabulate_recovered(estimates, test.x, truth))

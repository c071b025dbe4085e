import pandas as pd

from nao.analysis.evaluation import Estimates, score_run, write_estimates, write_table
from nao.analysis.tables import SYMMETRISED
from nao.models.weights import estimate, load_model, symmetrised_estimate, variance
from nao.provenance.observer import observed
from nao.seeding import stream
from nao.tasks.datasets import read_contexts, read_design

job = snakemake.params.job
seed, orders = job["seed"], job["row_orders"]
with observed(snakemake, root=seed) as record:
    model, spec = load_model(snakemake.input.model, snakemake.resources.kernel)
    record.kernel = model.kernel
    test = read_contexts(snakemake.input.test, ("x", "y", "w"))
    replicates = tuple(spec.dataset.members)
    found = {"": Estimates(estimate(model, test), replicates, variance(model, test))}
    if not model.row_invariant:
        averaged = symmetrised_estimate(model, test, orders, stream(seed, "row_orders"))
        found[SYMMETRISED] = Estimates(averaged, replicates)
    sigma = read_design(snakemake.input.test).covariance
    scores = [score_run(each, test, spec, prefix, sigma) for prefix, each in found.items()]
    write_estimates(snakemake.output.estimates, found[""])
    write_table(snakemake.output.scores, pd.concat(scores, ignore_index=True))

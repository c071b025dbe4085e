import pandas as pd

from nao.analysis.evaluation import Estimates, score_estimates, write_estimates, write_table
from nao.models.weights import estimate, load_model, symmetrised_estimate
from nao.provenance.observer import observed
from nao.seeding import stream
from nao.tasks.datasets import read_contexts

seed, orders = snakemake.params.seed, snakemake.params.row_orders
with observed(snakemake, root=seed):
    model, spec = load_model(snakemake.input.model)
    test = read_contexts(snakemake.input.test, ("x", "y", "w"))
    replicates = tuple(spec.dataset.members)
    estimates = Estimates(estimate(model, test), replicates)
    found = {spec.model.estimator: estimates}
    if not model.row_invariant:
        averaged = symmetrised_estimate(model, test, orders, stream(seed, "row_orders"))
        found[f"{spec.model.estimator}_symmetrised"] = Estimates(averaged, replicates)
    labels = spec.training.objective, spec.training.row_symmetry
    scores = [score_estimates(each, test, name, *labels) for name, each in found.items()]
    write_estimates(snakemake.output.estimates, estimates)
    write_table(snakemake.output.scores, pd.concat(scores, ignore_index=True))

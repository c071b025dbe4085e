from nao.analysis.evaluation import Estimates, score_run, write_table
from nao.models.weights import estimate, load_model, variance
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts, read_design

with observed(snakemake) as record:
    model, spec = load_model(snakemake.input.model, snakemake.resources.kernel)
    record.kernel = model.kernel
    test = read_contexts(snakemake.input.test, ("x", "y", "w"))
    members = tuple(spec.dataset.members)
    found = Estimates(estimate(model, test), members, variance(model, test))
    sigma = read_design(snakemake.input.test).covariance
    scores = score_run(found, test, spec, design_covariance=sigma)
    write_table(snakemake.output.scores, scores)

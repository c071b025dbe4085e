from nao.datasets import read_contexts
from nao.evaluation import Estimates, score_estimates, write_estimates, write_table
from nao.provenance.observer import observed
from nao.weights import estimate, load_model

with observed(snakemake):
    model, spec = load_model(snakemake.input.model)
    test = read_contexts(snakemake.input.test, ("x", "y", "w"))
    estimates = Estimates(estimate(model, test), tuple(spec.dataset.members))
    scores = score_estimates(
        estimates,
        test,
        spec.model.estimator,
        spec.training.objective,
        spec.training.row_symmetry,
    )
    write_estimates(snakemake.output.estimates, estimates)
    write_table(snakemake.output.scores, scores)

import pandas as pd

from nao.analysis.evaluation import Estimates, score_run, write_table
from nao.analysis.tables import MEMORISED
from nao.models.weights import estimate, load_model
from nao.provenance.observer import observed
from nao.tasks.datasets import read_contexts
from nao.tasks.problems import Contexts

with observed(snakemake) as record:
    model, spec = load_model(snakemake.input.model, snakemake.resources.kernel)
    record.kernel = model.kernel
    first, scores = slice(spec.dataset.test_contexts), []  # as many as are tested on
    for member, replicate in enumerate(spec.dataset.members):
        seen = read_contexts(snakemake.input.train, ("x", "y", "w"), replicate)
        assert seen.w is not None
        seen = Contexts(seen.x[first], seen.y[first], seen.w[first])
        found = Estimates(estimate(model, seen)[member : member + 1], (replicate,))
        scores.append(score_run(found, seen, spec, MEMORISED))
    write_table(snakemake.output.scores, pd.concat(scores, ignore_index=True))

from pathlib import Path

import pandas as pd

from nao.analysis.evaluation import write_table
from nao.analysis.mechanism import describe, prior_span, tabulate_layers
from nao.models.probe import codes_of, probe
from nao.models.transformer import Transformer
from nao.models.weights import build, load_model
from nao.plan import Experiment
from nao.provenance.observer import observed
from nao.seeding import stream
from nao.tasks.datasets import read_contexts, read_truth

given = snakemake.input
with observed(snakemake):
    models = {Path(path).parent.name: load_model(path, "torch") for path in given.models}
    tests, truths = (
        {Path(path).parent.name: path for path in paths} for paths in (given.test, given.truth)
    )

    def look_into(run: str) -> pd.DataFrame:
        model, spec = models[run]
        assert isinstance(model, Transformer)
        dataset = spec.dataset.identity
        test = read_contexts(tests[dataset], ("x", "y", "w"))
        truth = read_truth(truths[dataset])
        probed = probe(model, test, prior_span(truth))
        start = build(spec, "torch")
        assert isinstance(start, Transformer)
        start.initialise([stream(spec.training.seed, "init", r) for r in spec.dataset.members])
        found = {"angle": codes_of(model), "initial_angle": codes_of(start)}
        codes = {metric: each for metric, each in found.items() if each is not None}
        members = tuple(spec.dataset.members)
        return describe(probed.estimates, probed.shares, codes, members, truth, test)

    experiment = Experiment.model_validate(snakemake.params.job["experiment"])
    runs = {run: spec for run, (_, spec) in models.items()}
    table = tabulate_layers(snakemake.wildcards.experiment, experiment, runs, look_into)
    write_table(snakemake.output.table, table)

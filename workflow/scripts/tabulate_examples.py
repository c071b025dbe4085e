from pathlib import Path

from nao.analysis.evaluation import Estimates, read_estimates, write_table
from nao.analysis.examples import tabulate_examples
from nao.plan import Experiment
from nao.provenance.observer import observed
from nao.specs import DatasetSpec
from nao.tasks.datasets import read_contexts, read_truth
from nao.tasks.problems import Contexts, Problem

job, given = snakemake.params.job, snakemake.input
with observed(snakemake):
    tests, truths = (
        {Path(path).parent.name: path for path in paths} for paths in (given.test, given.truth)
    )
    # A run's folder bears its name; a baseline's that of the estimator, in that of its data set.
    folders = {tuple(Path(path).parts[-3:-1]): path for path in given.estimates}

    def look_at(dataset: str) -> tuple[Problem, Contexts]:
        return read_truth(truths[dataset]), read_contexts(tests[dataset], ("x", "y", "w"))

    def estimates_of(estimator: str, source: str) -> Estimates:
        return read_estimates(folders.get((source, estimator)) or folders["runs", source])

    table = tabulate_examples(
        snakemake.wildcards.experiment,
        Experiment.model_validate(job["experiment"]),
        {name: DatasetSpec.model_validate(spec) for name, spec in job["datasets"].items()},
        look_at,
        estimates_of,
    )
    write_table(snakemake.output.table, table)

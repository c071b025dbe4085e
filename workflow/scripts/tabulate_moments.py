from pathlib import Path

import pandas as pd

from nao.analysis.evaluation import write_table
from nao.analysis.tables import tabulate_priors
from nao.plan import Experiment
from nao.provenance.observer import observed
from nao.specs import RunSpec

with observed(snakemake):
    paths = {Path(path).parent.name: path for path in snakemake.input.priors}
    table = tabulate_priors(
        snakemake.wildcards.experiment,
        Experiment.model_validate(snakemake.params.job["experiment"]),
        {run: RunSpec.model_validate(spec) for run, spec in snakemake.params.job["runs"].items()},
        lambda run: pd.read_parquet(paths[run]),
    )
    write_table(snakemake.output.table, table)

from pathlib import Path

import pandas as pd

from nao.analysis.evaluation import write_table
from nao.analysis.tables import tabulate
from nao.config import Experiment
from nao.provenance.observer import observed
from nao.specs import DatasetSpec

with observed(snakemake):
    # Scores lie in a folder named by the run, or by the data set and the estimator.
    paths = {Path(path).parent: path for path in snakemake.input.scores}
    runs = {folder.name: path for folder, path in paths.items() if folder.parent.name == "runs"}
    baselines = {(folder.name, folder.parent.name): path for folder, path in paths.items()}

    def read(estimator: str, source: str) -> pd.DataFrame:
        return pd.read_parquet(runs.get(source) or baselines[estimator, source])

    table = tabulate(
        snakemake.wildcards.experiment,
        Experiment.model_validate(snakemake.params.job["experiment"]),
        {
            name: DatasetSpec.model_validate(spec)
            for name, spec in snakemake.params.job["datasets"].items()
        },
        tuple(snakemake.params.job["baselines"]),
        read,
    )
    write_table(snakemake.output.table, table)

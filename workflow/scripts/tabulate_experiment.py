from pathlib import Path

import pandas as pd

from nao.analysis.evaluation import write_table
from nao.analysis.tables import tabulate
from nao.plan import Experiment
from nao.provenance.observer import observed
from nao.specs import DatasetSpec

with observed(snakemake):
    # Scores lie in a folder named by the run, or by the data set and the estimator; those on tasks
    # of another data set in one below, named by that, and those on a run's own in `memorised`.
    paths, memorised = {}, {}
    for path in snakemake.input.scores:
        folder, elsewhere = Path(path).parent, None
        if folder.name == "memorised":
            memorised[folder.parent.name] = path
            continue
        if folder.parent.name == "on":
            folder, elsewhere = folder.parents[1], folder.name
        of_run = folder.parent.name == "runs"
        source = folder.name if of_run else folder.parent.name
        paths[None if of_run else folder.name, source, elsewhere] = path

    def read(estimator: str, source: str, elsewhere: str | None) -> pd.DataFrame:
        path = paths.get((None, source, elsewhere)) or paths[estimator, source, elsewhere]
        more = [memorised[source]] if source in memorised and not elsewhere else []
        return pd.concat([pd.read_parquet(each) for each in (path, *more)], ignore_index=True)

    table = tabulate(
        snakemake.wildcards.experiment,
        Experiment.model_validate(snakemake.params.job["experiment"]),
        {
            name: DatasetSpec.model_validate(spec)
            for name, spec in snakemake.params.job["datasets"].items()
        },
        read,
    )
    write_table(snakemake.output.table, table)

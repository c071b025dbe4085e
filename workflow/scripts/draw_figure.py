from pathlib import Path

import pandas as pd

from nao.figures import draw, marks, save
from nao.provenance.observer import observed

with observed(snakemake) as record:
    tables = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input}
    figure = draw(snakemake.wildcards.figure, tables)
    shown = marks(figure)
    for path in snakemake.output:
        save(figure, path, record.figure_metadata(path, shown))

from pathlib import Path

import pandas as pd

from nao.config import LearnerSpec
from nao.figures import draw, save
from nao.figures.marks import marks
from nao.figures.style import looks_of
from nao.provenance.observer import observed

learners = snakemake.params.job["learners"]
with observed(snakemake) as record:
    tables = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.tables}
    looks = looks_of({name: LearnerSpec.model_validate(of) for name, of in learners.items()})
    figure = draw(snakemake.wildcards.figure, tables, looks)
    shown = marks(figure)
    for path in (snakemake.output.pdf, snakemake.output.png):
        save(figure, path, record.figure_metadata(path, shown))

from pathlib import Path

import pandas as pd

from nao.analysis.evaluation import write_table
from nao.claims import judge, to_markdown
from nao.files import atomic_path
from nao.provenance.observer import observed

with observed(snakemake):
    tables = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.tables}
    claims = judge(tables, snakemake.params.job["labels"])
    write_table(snakemake.output.table, claims)
    with atomic_path(snakemake.output.text) as path:
        path.write_text(to_markdown(claims), encoding="utf-8")

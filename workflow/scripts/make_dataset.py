from nao.config import DatasetSpec
from nao.datasets import write_dataset
from nao.provenance.observer import observed

spec = DatasetSpec.model_validate(snakemake.params.spec)
with observed(snakemake, root=spec.seed):
    write_dataset(spec, snakemake.output.train, snakemake.output.test, snakemake.output.truth)

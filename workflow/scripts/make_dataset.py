from nao.datasets import write_dataset
from nao.provenance.observer import observed
from nao.specs import DatasetSpec

spec = DatasetSpec.model_validate(snakemake.params.spec)
with observed(snakemake, root=spec.seed):
    write_dataset(spec, snakemake.output.train, snakemake.output.test, snakemake.output.truth)

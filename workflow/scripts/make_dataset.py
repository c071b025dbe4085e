from nao.provenance.observer import observed
from nao.specs import DatasetSpec
from nao.tasks.datasets import write_dataset

spec = DatasetSpec.model_validate(snakemake.params.job["spec"])
with observed(snakemake, root=spec.seed):
    write_dataset(spec, snakemake.output.train, snakemake.output.test, snakemake.output.truth)

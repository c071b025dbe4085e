from pathlib import Path

from nao.analysis.evaluation import write_table
from nao.models.weights import save
from nao.provenance.observer import ProgressReport, observed
from nao.specs import RunSpec
from nao.training.devices import device_for
from nao.training.train import train

job = snakemake.params.job
spec = RunSpec.model_validate(job["spec"])
resources = snakemake.resources
checkpoint = Path(resources.checkpoints, f"{spec.identity}.safetensors")
with (
    observed(snakemake, root=spec.training.seed) as record,
    device_for(resources.device, resources.gpu_slots) as device,
):
    trained = train(
        spec,
        Path(snakemake.input.train),
        device=device,
        kernel=resources.kernel,
        checkpoint=checkpoint,
        code=job["code"],
        report=ProgressReport(device),
    )
    for lost in trained.divergences:
        print(
            f"replicate {lost.replicate} diverged at step {lost.step}, "
            f"after a loss of {lost.last_loss:.4g}; its scores are NaN"
        )
    write_table(snakemake.output.history, trained.history)
    save(
        snakemake.output.model,
        trained.model,
        spec,
        [lost.replicate for lost in trained.divergences],
    )
    checkpoint.unlink(missing_ok=True)  # the outputs hold all of it now
    record.device, record.kernel = device, trained.model.kernel
    record.segments = [{"first_step": first, "end": end} for first, end in trained.segments]

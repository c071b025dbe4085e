"""Every figure and claim of the study, from `config.yaml`: see README.md."""

from snakemake.utils import min_version

min_version("9.26")  # before, params changed where none had


include: "workflow/rules/common.smk"


configfile: CONFIG  # for what Snakemake carries to other machines; it is read in common.smk


container: "envs/nao.sif"  # built from envs/Dockerfile; of use with --sdm apptainer alone


# Rules have no `message:`, which Snakemake would print in place of a job's rule, inputs and outputs.
include: "workflow/rules/memory.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/estimation.smk"
include: "workflow/rules/figures.smk"


rule figures:
    default_target: True
    input:
        figure_files(*DEFAULT_FIGURES),
        f"{RESULTS}/claims.md",
    localrule: True


rule all:
    input:
        figure_files(*FIGURES),
        in_results([f"{name}.md" for name in CLAIMS]),
    localrule: True


for figure in FIGURES:

    rule:
        name:
            figure
        input:
            figure_files(figure),
        localrule: True


rule claims:
    input:
        f"{RESULTS}/claims.md",
    localrule: True


refuse_unknown_targets(workflow)


onstart:
    require_writable(workflow)
    require_device(workflow)


onerror:
    explain_failures(workflow)

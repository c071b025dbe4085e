"""Every figure and claim of the study, from `config.yaml`: see README.md."""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/estimation.smk"
include: "workflow/rules/figures.smk"


localrules:
    figures,
    fig1,
    fig2,
    fig3,
    claims,


rule figures:
    default_target: True
    input:
        figure_files(*FIGURES),
        f"{RESULTS}/claims.md",


rule fig1:
    input:
        figure_files("fig1"),


rule fig2:
    input:
        figure_files("fig2"),


rule fig3:
    input:
        figure_files("fig3"),


rule claims:
    input:
        f"{RESULTS}/claims.md",


onstart:
    require_writable(RESULTS)
    require_device(workflow)


onerror:
    explain_failures(RESULTS)

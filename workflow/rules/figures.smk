rule tabulate_experiment:
    input:
        scores_of,
    output:
        table=f"{RESULTS}/experiments/{{experiment}}.parquet",
    log:
        f"{RESULTS}/logs/tabulate_experiment/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("tabulate_experiment"),
        experiment=lambda wildcards: as_values(PLAN.experiments[wildcards.experiment]),
        datasets=lambda wildcards: {
            name: as_values(spec) for name, spec in datasets_of(wildcards.experiment).items()
        },
        baselines=list(PLAN.baselines),
    script:
        "../scripts/tabulate_experiment.py"


rule tabulate_moments:
    input:
        lambda wildcards: [run_file("prior.parquet", run) for run in runs_of(wildcards.experiment)],
    output:
        table=f"{RESULTS}/experiments/{{experiment}}_moments.parquet",
    log:
        f"{RESULTS}/logs/tabulate_moments/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("tabulate_moments"),
        experiment=lambda wildcards: as_values(PLAN.experiments[wildcards.experiment]),
        runs=lambda wildcards: {
            run: as_values(PLAN.runs[run]) for run in runs_of(wildcards.experiment)
        },
    script:
        "../scripts/tabulate_moments.py"


rule draw_figure:
    input:
        lambda wildcards: [table_file(name) for name in FIGURES[wildcards.figure]],
    output:
        pdf=report(
            f"{RESULTS}/figures/{{figure}}.pdf",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "format": "PDF"},
        ),
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "format": "PNG"},
        ),
    log:
        f"{RESULTS}/logs/draw_figure/{{figure}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("draw_figure"),
        learners=lambda wildcards: learners_of(FIGURES[wildcards.figure]),
    script:
        "../scripts/draw_figure.py"


rule judge_claims:
    input:
        [table_file(name) for name in CLAIM_TABLES],
    output:
        table=f"{RESULTS}/claims.parquet",
        text=report(
            f"{RESULTS}/claims.md",
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        f"{RESULTS}/logs/judge_claims.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("judge_claims"),
        labels={name: shown["label"] for name, shown in learners_of(CLAIM_TABLES).items()},
    script:
        "../scripts/judge_claims.py"

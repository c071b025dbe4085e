rule tabulate_experiment:
    input:
        unpack(read("tabulate_experiment")),
    output:
        **recorded(**made("tabulate_experiment")),
    log:
        f"{RESULTS}/logs/tabulate_experiment/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("tabulate_experiment"),
    params:
        job=given("tabulate_experiment"),
    script:
        "../scripts/tabulate_experiment.py"


rule tabulate_moments:
    input:
        unpack(read("tabulate_moments")),
    output:
        **recorded(**made("tabulate_moments")),
    log:
        f"{RESULTS}/logs/tabulate_moments/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("tabulate_moments"),
    params:
        job=given("tabulate_moments"),
    script:
        "../scripts/tabulate_moments.py"


rule tabulate_examples:
    input:
        unpack(read("tabulate_examples")),
    output:
        **recorded(**made("tabulate_examples")),
    log:
        f"{RESULTS}/logs/tabulate_examples/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("tabulate_examples"),
    params:
        job=given("tabulate_examples"),
    script:
        "../scripts/tabulate_examples.py"


rule probe_layers:
    input:
        unpack(read("probe_layers")),
    output:
        **recorded(**made("probe_layers")),
    log:
        f"{RESULTS}/logs/probe_layers/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("probe_layers"),
    params:
        job=given("probe_layers"),
    script:
        "../scripts/probe_layers.py"


rule draw_figure:
    input:
        unpack(read("draw_figure")),
    output:
        **kept(
            **{
                kind: report(
                    path,
                    caption="../report/figure.rst",
                    category="Figures",
                    labels={"figure": "{figure}", "format": kind.upper()},
                )
                for kind, path in made("draw_figure").items()
            }
        ),
    log:
        f"{RESULTS}/logs/draw_figure/{{figure}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("draw_figure"),
    params:
        job=given("draw_figure"),
    script:
        "../scripts/draw_figure.py"


rule judge_claims:
    input:
        unpack(read("judge_claims")),
    output:
        **kept(
            table=made("judge_claims")["table"],
            text=report(
                made("judge_claims")["text"],
                caption="../report/claims.rst",
                category="Claims",
            ),
        ),
    log:
        f"{RESULTS}/logs/judge_claims/{{claims}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("judge_claims"),
    params:
        job=given("judge_claims"),
    script:
        "../scripts/judge_claims.py"

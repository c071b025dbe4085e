rule evaluate_run:
    input:
        unpack(read("evaluate_run")),
    output:
        **recorded(**made("evaluate_run")),
    log:
        f"{RESULTS}/logs/evaluate_run/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("evaluate_run"),
        kernel=KERNEL,
    params:
        job=given("evaluate_run"),
    script:
        "../scripts/evaluate_run.py"


rule extract_prior:
    input:
        unpack(read("extract_prior")),
    output:
        **recorded(**made("extract_prior")),
    log:
        f"{RESULTS}/logs/extract_prior/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("extract_prior"),
    params:
        job=given("extract_prior"),
    script:
        "../scripts/extract_prior.py"


rule evaluate_baseline:
    input:
        unpack(read("evaluate_baseline")),
    output:
        **recorded(**made("evaluate_baseline")),
    log:
        f"{RESULTS}/logs/evaluate_baseline/{{dataset}}/{{estimator}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("evaluate_baseline"),
    params:
        job=given("evaluate_baseline"),
    script:
        "../scripts/evaluate_baseline.py"


rule evaluate_run_elsewhere:
    input:
        unpack(read("evaluate_run_elsewhere")),
    output:
        **recorded(**made("evaluate_run_elsewhere")),
    log:
        f"{RESULTS}/logs/evaluate_run/{{run}}/on/{{elsewhere}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("evaluate_run_elsewhere"),
        kernel=KERNEL,
    params:
        job=given("evaluate_run_elsewhere"),
    script:
        "../scripts/evaluate_run_elsewhere.py"


rule evaluate_run_memorised:
    input:
        unpack(read("evaluate_run_memorised")),
    output:
        **recorded(**made("evaluate_run_memorised")),
    log:
        f"{RESULTS}/logs/evaluate_run/{{run}}/memorised.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("evaluate_run_memorised"),
        kernel=KERNEL,
    params:
        job=given("evaluate_run_memorised"),
    script:
        "../scripts/evaluate_run_memorised.py"


rule evaluate_baseline_elsewhere:
    input:
        unpack(read("evaluate_baseline_elsewhere")),
    output:
        **recorded(**made("evaluate_baseline_elsewhere")),
    log:
        f"{RESULTS}/logs/evaluate_baseline/{{dataset}}/{{estimator}}/on/{{elsewhere}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("evaluate_baseline_elsewhere"),
    params:
        job=given("evaluate_baseline_elsewhere"),
    script:
        "../scripts/evaluate_baseline_elsewhere.py"

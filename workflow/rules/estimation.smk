rule evaluate_run:
    input:
        model=f"{RESULTS}/runs/{{run}}/model.safetensors",
        test=lambda wildcards: dataset_file("test", PLAN.runs[wildcards.run].dataset.identity),
    output:
        estimates=f"{RESULTS}/runs/{{run}}/estimates.parquet",
        scores=f"{RESULTS}/runs/{{run}}/scores.parquet",
    log:
        f"{RESULTS}/logs/evaluate_run/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("evaluate_run"),
        row_orders=PLAN.row_orders,
        seed=PLAN.seed,
    script:
        "../scripts/evaluate_run.py"


rule extract_prior:
    input:
        estimates=f"{RESULTS}/runs/{{run}}/estimates.parquet",
        test=lambda wildcards: dataset_file("test", PLAN.runs[wildcards.run].dataset.identity),
        truth=lambda wildcards: dataset_file("truth", PLAN.runs[wildcards.run].dataset.identity),
    output:
        prior=f"{RESULTS}/runs/{{run}}/prior.parquet",
    log:
        f"{RESULTS}/logs/extract_prior/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("extract_prior"),
    script:
        "../scripts/extract_prior.py"


rule evaluate_baseline:
    input:
        unpack(seen_by),
    output:
        estimates=f"{RESULTS}/baselines/{{dataset}}/{{estimator}}/estimates.parquet",
        scores=f"{RESULTS}/baselines/{{dataset}}/{{estimator}}/scores.parquet",
    log:
        f"{RESULTS}/logs/evaluate_baseline/{{dataset}}/{{estimator}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("evaluate_baseline"),
    script:
        "../scripts/evaluate_baseline.py"

rule make_dataset:
    output:
        train=f"{RESULTS}/datasets/{{dataset}}/train.parquet",
        test=f"{RESULTS}/datasets/{{dataset}}/test.parquet",
        truth=f"{RESULTS}/datasets/{{dataset}}/truth.parquet",
    log:
        f"{RESULTS}/logs/make_dataset/{{dataset}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=code("make_dataset"),
        spec=lambda wildcards: as_values(PLAN.datasets[wildcards.dataset]),
    script:
        "../scripts/make_dataset.py"

rule make_dataset:
    output:
        **recorded(**made("make_dataset")),
    log:
        f"{RESULTS}/logs/make_dataset/{{dataset}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asked("make_dataset"),
    params:
        job=given("make_dataset"),
    script:
        "../scripts/make_dataset.py"

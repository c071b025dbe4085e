rule train:
    input:
        contexts=lambda wildcards: dataset_file("train", PLAN.runs[wildcards.run].dataset.identity),
    output:
        model=f"{RESULTS}/runs/{{run}}/model.safetensors",
        history=f"{RESULTS}/runs/{{run}}/history.parquet",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    # Long jobs first, so that none is left over at the end.
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: PLAN.compute.threads
    resources:
        gpu=int(PLAN.compute.device == "cuda"),
        # As a resource, since a change of device is no reason to train again.
        device=PLAN.compute.device,
    params:
        code=code("train"),
        spec=lambda wildcards: as_values(PLAN.runs[wildcards.run]),
        checkpoints=f"{RESULTS}/checkpoints",
    script:
        "../scripts/train.py"

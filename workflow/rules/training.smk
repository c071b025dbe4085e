rule train:
    input:
        unpack(read("train")),
    output:
        **made("train"),
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
        job=given("train"),
    script:
        "../scripts/train.py"

rule train:
    input:
        unpack(read("train")),
    output:
        **recorded(**made("train")),
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    # Long jobs first, so that none is left over at the end.
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: PLAN.compute.threads
    resources:
        **asked("train"),
        # Absent where none is needed: some executors take even 0 for a demand.
        **({"gpu": 1} if PLAN.compute.device == "cuda" else {}),
        # Trainings that may share a GPU; profiles/gpu says how to change it.
        gpu_slots=1,
        # As resources, since a change of place or kernel is no reason to train again.
        device=PLAN.compute.device,
        kernel=KERNEL,
        checkpoints=f"{RESULTS}/checkpoints",
    params:
        job=given("train"),
    script:
        "../scripts/train.py"

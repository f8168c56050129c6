"""Contrastive pre-training (paper, 3.3): an encoder from crops, and for SiMHand from mined pairs.

Needs: a set, its crops and keypoints, and its pairs where the method takes them. Promises: the
encoder under the names of torchvision or timm with its model card, the final checkpoint, metrics, history.

A job that is stopped, killed or preempted leaves its checkpoints in the folder `run` beside its outputs,
which no rule declares, so that Snakemake does not remove it; the job that is started next, by `retries` or
by hand, goes on from there. Every attempt may therefore take as long as the first. The command begins with
`exec`, so that no shell between Snakemake and the training dies of the signal that tells it to stop: with it
SLURM would take the job for ended and kill the training before it has saved.

`pretrain.processes` train together on one node, each with a GPU of its own unless `pretrain.device` is
cpu; they share the threads. How many they are changes no result, so it makes nothing run again. torchrun,
which starts them, hands signals on, waits for them to save (of itself: half a minute), and exits with a code
of its own.
"""


rule pretrain_encoder:
    """Pre-train one encoder."""
    input:
        code=code("pretrain_encoder.py"),
        table=lambda wildcards: f"{RESULTS}/sets/{PRETRAINS[wildcards.pretrain].set}.parquet",
        crops=of_pretrain("{results}/crops/{source}/{shard}.arrow"),
        keypoints=of_pretrain("{results}/keypoints/{source}/{shard}.parquet"),
        pairs=pairs_of_pretrain,
        init=lambda wildcards: weights_file(PRETRAINS[wildcards.pretrain].init),
    output:
        encoder="<results>/pretrain/{pretrain}/encoder.safetensors",
        card="<results>/pretrain/{pretrain}/README.md",
        checkpoint="<results>/pretrain/{pretrain}/checkpoint.pt",
        metrics="<results>/pretrain/{pretrain}/metrics.json",
        history="<results>/pretrain/{pretrain}/history.jsonl",
        certificate="<results>/pretrain/{pretrain}/encoder.certificate.json",
    log:
        "<logs>/pretrain_encoder/{pretrain}.log",
    benchmark:
        "<benchmarks>/pretrain_encoder/{pretrain}.tsv"
    priority: 10
    conda:
        "../envs/pretrain_encoder.yaml"
    threads: processes_of_pretrain
    resources:
        processes=processes_of_pretrain,
        gpu=gpus_of_pretrain,
        mem_mb=lambda wildcards, input, attempt: min(attempt, 2)
        * int(memory_of_pretrain_mb(wildcards) + 2 * input.size_mb),
        runtime=1440,
    params:
        settings=lambda wildcards: CONFIG.pretrain_settings(wildcards.pretrain).model_dump_json(
            exclude={"processes"}
        ),
        experiment=lambda wildcards: PRETRAINS[wildcards.pretrain].model_dump_json(),
        pairs=lambda wildcards, input: "--pairs" if input.pairs else "",
        run_dir=run_dir,
    shell:
        "exec python $([ {resources.processes} -eq 1 ] || echo -m torch.distributed.run --standalone"
        " --shutdown-timeout 600 --signals-to-handle SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
        " --nproc-per-node {resources.processes} --)"
        " {input.code[0]:q} --settings {params.settings:q} --experiment {params.experiment:q}"
        " --run-dir {params.run_dir:q} --set {input.table:q} {params.pairs} {input.pairs:q}"
        ' --out-dir "$(dirname {output.encoder:q})" --threads {threads} --log {log:q}'

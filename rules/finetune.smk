"""Fine-tuning (paper, 6.2): DetNet on a labelled data set, from a pre-trained encoder or from none.

Needs: the labelled set and the encoder where there is one; weakly supervised, a pre-training set with its
crops and keypoints instead. Promises: the final checkpoint, metrics, history, and one predictions file, from
which every protocol is computed.

A job that is stopped, killed or preempted leaves its checkpoints in the folder `run` beside its outputs, as
pre-training does, and the job that is started next goes on from there. Every attempt may take as long as the
first.
"""


rule finetune_detnet:
    """Fine-tune one model and predict the evaluation split."""
    input:
        code=code("finetune_detnet.py"),
        dataset=labels_of_finetune,
        encoder=encoder_of_finetune,
        init=lambda wildcards: weights_file(FINETUNES[wildcards.finetune].init),
        table=set_of_finetune,
        crops=of_finetune("{results}/crops/{source}/{shard}.arrow"),
        keypoints=of_finetune("{results}/keypoints/{source}/{shard}.parquet"),
    output:
        checkpoint="<results>/finetune/{finetune}/checkpoint.pt",
        predictions="<results>/finetune/{finetune}/predictions.parquet",
        metrics="<results>/finetune/{finetune}/metrics.json",
        history="<results>/finetune/{finetune}/history.jsonl",
        certificate="<results>/finetune/{finetune}/predictions.certificate.json",
    log:
        "<logs>/finetune_detnet/{finetune}.log",
    benchmark:
        "<benchmarks>/finetune_detnet/{finetune}.tsv"
    wildcard_constraints:
        finetune=one_of(FINETUNES),
    conda:
        "../envs/finetune_detnet.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: min(attempt, 2) * 8000,
        runtime=1440,
    params:
        settings=lambda wildcards: CONFIG.finetune_settings(wildcards.finetune).model_dump_json(),
        experiment=lambda wildcards: FINETUNES[wildcards.finetune].model_dump_json(),
        dataset=lambda wildcards: CONFIG.datasets[FINETUNES[wildcards.finetune].dataset].model_dump_json(),
        root=root_of_finetune,
        encoder=lambda wildcards, input: "--encoder" if input.encoder else "",
        scans=f"{RESULTS}/scans",
        table=lambda wildcards, input: ["--run-dir", RESULTS, "--set"] if input.table else [],
    shell:
        "exec python {input.code[0]:q} --settings {params.settings:q} --experiment {params.experiment:q}"
        " --dataset {params.dataset:q} --root {params.root:q} {params.encoder} {input.encoder:q}"
        " --scans-dir {params.scans:q} {params.table:q} {input.table:q}"
        ' --out-dir "$(dirname {output.predictions:q})" --threads {threads} --log {log:q}'

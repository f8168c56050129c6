"""Fine-tuning (paper, 6.2): DetNet on a labelled data set, from a pre-trained encoder or from none.

Needs: the labelled set and the encoder where there is one. Promises: the final checkpoint and one
predictions file, from which every protocol is computed.
"""


rule finetune_detnet:
    """Fine-tune one model and predict the evaluation split."""
    input:
        code=code("finetune_detnet.py"),
        dataset=labels_of_finetune,
        encoder=encoder_of_finetune,
        init=lambda wildcards: weights_file(FINETUNES[wildcards.finetune].init),
    output:
        checkpoint="<results>/finetune/{finetune}/checkpoint.pt",
        predictions="<results>/finetune/{finetune}/predictions.parquet",
        metrics="<results>/finetune/{finetune}/metrics.json",
        history="<results>/finetune/{finetune}/history.jsonl",
    log:
        "<logs>/finetune_detnet/{finetune}.log",
    benchmark:
        "<benchmarks>/finetune_detnet/{finetune}.tsv"
    conda:
        "../envs/finetune_detnet.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 8000,
        runtime=lambda wildcards, attempt: attempt * 1440,
    params:
        settings=lambda wildcards: CONFIG.finetune_settings(wildcards.finetune).model_dump_json(),
        experiment=lambda wildcards: FINETUNES[wildcards.finetune].model_dump_json(),
        dataset=lambda wildcards: CONFIG.datasets[FINETUNES[wildcards.finetune].dataset].model_dump_json(),
        root=root_of_finetune,
        encoder=lambda wildcards, input: "--encoder" if input.encoder else "",
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --experiment {params.experiment:q}"
        " --dataset {params.dataset:q} --root {params.root:q} {params.encoder} {input.encoder:q}"
        ' --out-dir "$(dirname {output.predictions:q})" --threads {threads} --log {log:q}'

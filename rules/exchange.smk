"""Predictions in other people's forms: measured here, or written for the data sets' own tools.

Needs: a file of predictions made elsewhere, or predictions of ours, and the data set's labels. Promises: the
predictions file from which everything else follows; a submission that the official tool takes.
"""


rule import_predictions:
    """Set predictions made elsewhere beside the ground truth."""
    input:
        code=code("import_predictions.py"),
        dataset=labels_of_finetune,
        file=lambda wildcards: os.path.expanduser(IMPORTED_MODELS[wildcards.finetune].file),
    output:
        predictions="<results>/finetune/{finetune}/predictions.parquet",
        certificate="<results>/finetune/{finetune}/predictions.certificate.json",
    log:
        "<logs>/import_predictions/{finetune}.log",
    benchmark:
        "<benchmarks>/import_predictions/{finetune}.tsv"
    wildcard_constraints:
        finetune=one_of(IMPORTED_MODELS),
    conda:
        "../envs/import_predictions.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        settings=lambda wildcards: IMPORTED_MODELS[wildcards.finetune].model_dump_json(exclude={"title"}),
        dataset=lambda wildcards: dataset_of_finetune(wildcards).model_dump_json(),
        root=root_of_finetune,
        scans=f"{RESULTS}/scans",
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --file {input.file:q}"
        " --dataset {params.dataset:q} --root {params.root:q} --scans-dir {params.scans:q}"
        " --out {output.predictions:q} --threads {threads} --log {log:q}"


rule write_submission:
    """Write predictions as FreiHAND's submission zip or DexYCB's result file."""
    input:
        code=code("write_submission.py"),
        dataset=labels_of_finetune,
        predictions="<results>/finetune/{finetune}/predictions.parquet",
    output:
        submission="<results>/finetune/{finetune}/submission.{form}",
    log:
        "<logs>/write_submission/{finetune}.{form}.log",
    benchmark:
        "<benchmarks>/write_submission/{finetune}.{form}.tsv"
    wildcard_constraints:
        form=one_of(SUBMISSION_FORMS.values()),
    conda:
        "../envs/write_submission.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        dataset=lambda wildcards: dataset_of_finetune(wildcards).model_dump_json(),
        root=root_of_finetune,
        scans=f"{RESULTS}/scans",
    shell:
        "python {input.code[0]:q} --predictions {input.predictions:q}"
        " --dataset {params.dataset:q} --root {params.root:q} --scans-dir {params.scans:q}"
        " --out {output.submission:q} --threads {threads} --log {log:q}"

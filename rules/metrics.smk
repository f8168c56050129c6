"""Predictions to metrics and tables: every protocol from one predictions file.

Needs: predictions. Promises: metrics per experiment, metrics.parquet with all of them, and the
paper's tables with measured beside reported numbers.
"""


rule evaluate_predictions:
    """Compute every protocol on one predictions file."""
    input:
        code=code("evaluate_predictions.py"),
        predictions="<results>/finetune/{finetune}/predictions.parquet",
    output:
        metrics="<results>/finetune/{finetune}/metrics.parquet",
        errors="<results>/finetune/{finetune}/errors.parquet",
        sample_errors="<results>/finetune/{finetune}/sample_errors.parquet",
        certificate="<results>/finetune/{finetune}/metrics.certificate.json",
    log:
        "<logs>/evaluate_predictions/{finetune}.log",
    benchmark:
        "<benchmarks>/evaluate_predictions/{finetune}.tsv"
    conda:
        "../envs/evaluate_predictions.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=settings("evaluation"),
        experiment=lambda wildcards: MODELS[wildcards.finetune].model_dump_json(exclude={"title"}),
        dataset=lambda wildcards: dataset_of_finetune(wildcards).model_dump_json(),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --experiment {params.experiment:q}"
        " --dataset {params.dataset:q}"
        ' --predictions {input.predictions:q} --out-dir "$(dirname {output.metrics:q})"'
        " --threads {threads} --log {log:q}"


rule collect_metrics:
    """Put the metrics of all experiments into one table."""
    input:
        code=code("collect_metrics.py"),
        metrics=expand("<results>/finetune/{finetune}/metrics.parquet", finetune=MODELS),
    output:
        metrics="<results>/metrics.parquet",
    log:
        "<logs>/collect_metrics.log",
    benchmark:
        "<benchmarks>/collect_metrics.tsv"
    conda:
        "../envs/collect_metrics.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    shell:
        "python {input.code[0]:q} --metrics {input.metrics:q} --out {output.metrics:q} --log {log:q}"


rule make_tables:
    """Write one table, measured beside reported."""
    input:
        code=code("make_tables.py"),
        templates=library_files("report/templates"),
        metrics=metrics_of_table,
        certificates=certificates_of_table,
        reported=reported_table,
    output:
        csv="<results>/tables/{table}.csv",
        markdown="<results>/tables/{table}.md",
        latex="<results>/tables/{table}.tex",
        html="<results>/tables/{table}.html",
    log:
        "<logs>/make_tables/{table}.log",
    benchmark:
        "<benchmarks>/make_tables/{table}.tsv"
    conda:
        "../envs/make_tables.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        settings=settings_of_table,
        reported=lambda wildcards, input: "--reported" if input.reported else "",
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --table {wildcards.table}"
        " --metrics {input.metrics:q} {params.reported} {input.reported:q}"
        ' --out-dir "$(dirname {output.csv:q})" --log {log:q}'

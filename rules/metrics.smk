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
    log:
        "<logs>/evaluate_predictions/{finetune}.log",
    benchmark:
        "<benchmarks>/evaluate_predictions/{finetune}.tsv"
    conda:
        "../envs/evaluate_predictions.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=settings("evaluation"),
        experiment=lambda wildcards: FINETUNES[wildcards.finetune].model_dump_json(),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --experiment {params.experiment:q}"
        " --predictions {input.predictions:q} --out {output.metrics:q} --log {log:q}"


rule collect_metrics:
    """Put the metrics of all experiments into one table."""
    input:
        code=code("collect_metrics.py"),
        metrics=expand("<results>/finetune/{finetune}/metrics.parquet", finetune=FINETUNES),
    output:
        metrics="<results>/metrics.parquet",
    log:
        "<logs>/collect_metrics.log",
    benchmark:
        "<benchmarks>/collect_metrics.tsv"
    conda:
        "../envs/collect_metrics.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python {input.code[0]:q} --metrics {input.metrics:q} --out {output.metrics:q} --log {log:q}"


rule make_tables:
    """Write one of the paper's tables, measured beside reported."""
    input:
        code=code("make_tables.py"),
        templates=library_files("report/templates"),
        metrics=metrics_of_table,
        reported=reported_table,
    output:
        csv="<results>/tables/{table}.csv",
        markdown="<results>/tables/{table}.md",
        html="<results>/tables/{table}.html",
    log:
        "<logs>/make_tables/{table}.log",
    benchmark:
        "<benchmarks>/make_tables/{table}.tsv"
    conda:
        "../envs/make_tables.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=json.dumps({"compare_with": COMPARED_SETS}),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --table {wildcards.table}"
        " --metrics {input.metrics:q} --reported {input.reported:q}"
        ' --out-dir "$(dirname {output.csv:q})" --log {log:q}'

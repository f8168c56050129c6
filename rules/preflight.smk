"""Before a long run: whether it can work at all, and what it will cost.

Needs nothing. Promises nothing: it prints, and fails if a folder, a program, room on the disk or a place in the
cluster's queues is missing.
"""


rule preflight:
    """Check the data, the disk, the environments and SLURM, and estimate jobs, hours and bytes."""
    input:
        code=code("preflight.py"),
    log:
        "<logs>/preflight.log",
    retries: 0
    localrule: True
    conda:
        "../envs/preflight.yaml"
    params:
        config=json.dumps(config, sort_keys=True),
        call=call_of_snakemake,
    shell:
        "python {input.code[0]:q} --settings {params.config:q} --call {params.call:q} --log {log:q}"

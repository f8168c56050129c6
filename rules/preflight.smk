"""Before a long run: whether it can work at all, and what it will cost.

Needs nothing. Promises nothing: it prints, and fails if a folder, a program, room on the disk or a place in the
cluster's queues is missing.
"""


localrules:
    preflight,


rule preflight:
    """Check the data, the disk, the environments and SLURM, and estimate jobs, hours and bytes."""
    input:
        code=code("preflight.py"),
    log:
        "<logs>/preflight.log",
    retries: 0
    conda:
        "../envs/preflight.yaml"
    params:
        config=json.dumps(config, sort_keys=True),
        # what this Snakemake was called with, to plan the same run
        options=json.dumps([word for word in sys.argv[1:] if word not in ("preflight", "--")]),
    shell:
        "python {input.code[0]:q} --settings {params.config:q} --snakemake {params.options:q} --log {log:q}"

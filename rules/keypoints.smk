"""Hand crops to 2D keypoints: 21 joints in the coordinates of the crop.

Needs: the packed crops of a shard and their status. Promises: one Parquet row per crop; a hand without
keypoints stays as an invalid row. A job that was killed goes on where it was.
"""


rule estimate_keypoints:
    """Estimate the 21 keypoints of every crop of a shard."""
    input:
        code=code("estimate_keypoints.py"),
        crops="<results>/crops/{source}/{shard}.arrow",
        crops_status="<results>/crops/{source}/{shard}.status.parquet",
        given=given_keypoints_of_shard,
    output:
        keypoints="<results>/keypoints/{source}/{shard}.parquet",
        status="<results>/keypoints/{source}/{shard}.status.parquet",
    log:
        "<logs>/estimate_keypoints/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/estimate_keypoints/{source}_{shard}.tsv"
    conda:
        "../envs/estimate_keypoints.yaml"
    threads: 8
    resources:
        # a worker takes 200 MB (benchmarks/hands.csv); crops are read one by one
        mem_mb=lambda wildcards, threads, attempt: attempt * 1000 * threads,
        # twice the 0.04 s of one core that MediaPipe takes for an image, for crops of 9 kB (benchmarks/hands.csv)
        runtime=lambda wildcards, input, threads, attempt: attempt * int(30 + 0.15 * input.size_mb / threads),
    params:
        settings=settings("keypoints"),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --crops {input.crops:q}"
        " --crops-status {input.crops_status:q} --given {input.given:q} --keypoints {output.keypoints:q}"
        " --status {output.status:q} --threads {threads} --log {log:q}"

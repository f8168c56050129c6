"""Frames to hand crops: a detector finds the hands, every one becomes a square right-hand image.

Needs: the packed frames of a shard and their status. Promises: one packed file of crops per shard, with
boxes, sides, scores and landmarks, and a status row per video. A job that was killed goes on where it was.
"""


rule crop_hands:
    """Find and crop the hands in the frames of a shard."""
    input:
        code=code("crop_hands.py"),
        frames="<results>/frames/{source}/{shard}.arrow",
        frames_status="<results>/frames/{source}/{shard}.status.parquet",
        detections=detections_of_shard,
    output:
        crops="<results>/crops/{source}/{shard}.arrow",
        status="<results>/crops/{source}/{shard}.status.parquet",
    log:
        "<logs>/crop_hands/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/crop_hands/{source}_{shard}.tsv"
    conda:
        "../envs/crop_hands.yaml"
    threads: 8
    resources:
        # a worker takes 320 MB (benchmarks/hands.csv); frames are read one by one
        mem_mb=lambda wildcards, threads, attempt: attempt * 1000 * threads,
        # twice the 0.04 s of one core per frame (benchmarks/hands.csv), if frames have no more than 30 kB
        runtime=lambda wildcards, input, threads, attempt: attempt * int(30 + 0.045 * input.size_mb / threads),
    params:
        settings=settings("crops"),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --frames-status {input.frames_status:q} --detections {input.detections:q} --crops {output.crops:q}"
        " --status {output.status:q} --threads {threads} --log {log:q}"

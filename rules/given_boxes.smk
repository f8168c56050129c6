"""Boxes of hands that the user gives, brought to the frames of a shard: the place of a hand detector.

Runs only where `crops.detector` is boxes. Needs: the packed frames of a shard and the files of boxes.
Promises: one table of detections per shard and a status row per video. A shard reads of a Parquet file
sorted by video hardly more than its own part; CSV and JSON it reads whole, as a stream.
"""


rule read_boxes:
    """Bring the given boxes of hands to the frames of a shard."""
    input:
        code=code("read_boxes.py"),
        frames="<results>/frames/{source}/{shard}.arrow",
        boxes=given_boxes_of_shard,
    output:
        detections="<results>/detections/{source}/{shard}.parquet",
        status="<results>/detections/{source}/{shard}.status.parquet",
    log:
        "<logs>/read_boxes/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/read_boxes/{source}_{shard}.tsv"
    wildcard_constraints:
        source=one_of(CONFIG.all_sources() if CONFIG.crops.detector == "boxes" else []),
    conda:
        "../envs/read_boxes.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        index=INDEX_FILE.as_posix(),
        settings=CONFIG.crops.model_dump_json(include={"detector", "boxes", "boxes_tolerance_s"}),
        videos=videos_of,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --index {params.index:q}"
        " --source {wildcards.source:q} --shard {wildcards.shard:q} --frames {input.frames:q}"
        " --detections {output.detections:q} --status {output.status:q} --log {log:q}"

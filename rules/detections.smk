"""Frames to hands and the objects that they touch, by the 100DOH hand-object detector (Shan et al., 2020).

Runs only where `crops.detector` is hand_object_detector. Needs: the packed frames of a shard, their status,
and the published weights. Promises: one table of detections per shard and a status row per video. A job that
was killed goes on where it was. A frame takes seconds on a processor core; with a GPU, ask for one in the
profile.
"""


rule detect_hands:
    """Find hands and objects in the frames of a shard."""
    input:
        code=code("detect_hands.py"),
        frames="<results>/frames/{source}/{shard}.arrow",
        frames_status="<results>/frames/{source}/{shard}.status.parquet",
        weights=detector_weights,
    output:
        detections="<results>/detections/{source}/{shard}.parquet",
        status="<results>/detections/{source}/{shard}.status.parquet",
    log:
        "<logs>/detect_hands/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/detect_hands/{source}_{shard}.tsv"
    wildcard_constraints:
        source=one_of([] if CONFIG.crops.detector == "boxes" else CONFIG.all_sources()),
    conda:
        "../envs/detect_hands.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads, attempt: attempt * 2000 * threads,
        runtime=growing(1440),
    params:
        settings=settings("hand_object_detector"),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --frames-status {input.frames_status:q} --detections {output.detections:q}"
        " --status {output.status:q} --threads {threads} --log {log:q}"

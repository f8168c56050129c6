"""Videos to frames: one per second by presentation time.

Needs: videos.tsv and the videos it names. Promises: one packed file of JPEG frames per shard and a
status row per video; a broken video is a row, not a failure.
"""


rule extract_frames:
    """Take one frame per second from every video of a shard."""
    input:
        code=code("extract_frames.py"),
        rendered=rendered_folder,
    output:
        frames="<results>/frames/{source}/{shard}.arrow",
        status="<results>/frames/{source}/{shard}.status.parquet",
    log:
        "<logs>/extract_frames/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/extract_frames/{source}_{shard}.tsv"
    conda:
        "../envs/extract_frames.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads, attempt: attempt * 1000 * threads,
        runtime=lambda wildcards, attempt: attempt * 240,
    params:
        index=INDEX_FILE.as_posix(),
        settings=settings("frames"),
        videos=videos_of,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --index {params.index:q}"
        " --source {wildcards.source:q} --shard {wildcards.shard:q} --frames {output.frames:q}"
        " --status {output.status:q} --threads {threads} --log {log:q}"

"""Videos to frames: one per second by presentation time.

Needs: videos.tsv and the videos it names. Promises: one packed file of JPEG frames per shard, their
perceptual hashes, and a status row per video; a broken video is a row, not a failure. A job that was
killed goes on where it was. Without frames.keep the frames go once the crops are there.
"""

FRAMES_FILE = "<results>/frames/{source}/{shard}.arrow"


rule extract_frames:
    """Take one frame per second from every video of a shard."""
    input:
        code=code("extract_frames.py"),
        rendered=rendered_folder,
        video_list=frame_rate_list,
    output:
        frames=FRAMES_FILE if CONFIG.frames.keep else temp(FRAMES_FILE),
        hashes="<results>/frames/{source}/{shard}.hashes.parquet",
        status="<results>/frames/{source}/{shard}.status.parquet",
    log:
        "<logs>/extract_frames/{source}_{shard}.log",
    benchmark:
        "<benchmarks>/extract_frames/{source}_{shard}.tsv"
    conda:
        "../envs/extract_frames.yaml"
    threads: 8
    resources:
        # a worker takes 340 MB at 1080p (benchmarks/frames.csv); a video at a time, however long it is
        mem_mb=lambda wildcards, threads, attempt: attempt * 1000 * threads,
        # twice the 0.6 s of one core per MB of H.264 (benchmarks/frames.csv), and an hour
        runtime=lambda wildcards, threads, attempt: attempt
        * int(60 + 0.02 * size_of_videos_mb(wildcards) / threads),
    params:
        index=INDEX_FILE.as_posix(),
        settings=settings("frames", exclude={"keep"}),
        videos=videos_of,
        source_settings=frames_source,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --index {params.index:q}"
        " --source {wildcards.source:q} --source-settings {params.source_settings:q}"
        " --shard {wildcards.shard:q} --frames {output.frames:q}"
        " --hashes {output.hashes:q} --status {output.status:q} --threads {threads} --log {log:q}"

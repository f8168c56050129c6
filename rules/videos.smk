"""What is known of the videos: how they probe, and which of them are one recording.

Needs: videos.tsv and the status of the frames stage. Promises: videos/manifest.parquet and
videos/groups.parquet.
"""


rule build_manifest:
    """Gather what probing found out about every video."""
    input:
        code=code("build_manifest.py"),
        status=per_shard("{results}/frames/{source}/{shard}.status.parquet"),
    output:
        manifest="<results>/videos/manifest.parquet",
    log:
        "<logs>/build_manifest.log",
    benchmark:
        "<benchmarks>/build_manifest.tsv"
    conda:
        "../envs/build_manifest.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        index=INDEX_FILE.as_posix(),
    shell:
        "python {input.code[0]:q} --index {params.index:q} --status {input.status:q}"
        " --manifest {output.manifest:q} --log {log:q}"


rule group_recordings:
    """Name the recording of every video: hands of one recording are never paired."""
    input:
        code=code("group_recordings.py"),
        groups_csv=CONFIG.groups.groups_csv or [],
    output:
        groups="<results>/videos/groups.parquet",
    log:
        "<logs>/group_recordings.log",
    benchmark:
        "<benchmarks>/group_recordings.tsv"
    conda:
        "../envs/group_recordings.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        index=INDEX_FILE.as_posix(),
        settings=settings("groups"),
        videos=json.dumps([video.video_id for video in VIDEOS]),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --index {params.index:q}"
        " --groups {output.groups:q} --log {log:q}"

"""What is known of the videos: how they probe, and which of them are one recording.

Needs: videos.tsv, the status of the frames stage, the hashes of the frames where near-duplicates are looked
for, and Ego4D's metadata where it is there. Promises: videos/manifest.parquet, videos/groups.parquet and
videos/near_duplicates.parquet. Grouping 30,000 videos (3,900 hours) takes some minutes on two cores.
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
        mem_mb=growing(1000),
        runtime=growing(30),
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
        ego4d=list(EGO4D_METADATA.values()),
        hashes=(
            per_shard("{results}/frames/{source}/{shard}.hashes.parquet")
            if CONFIG.groups.near_duplicates
            else []
        ),
    output:
        groups="<results>/videos/groups.parquet",
        near_duplicates="<results>/videos/near_duplicates.parquet",
    log:
        "<logs>/group_recordings.log",
    benchmark:
        "<benchmarks>/group_recordings.tsv"
    conda:
        "../envs/group_recordings.yaml"
    threads: 4
    resources:
        mem_mb=lambda wildcards, input, threads, attempt: attempt
        * int(1500 + (8 + 4 * threads) * input.size_mb),
        runtime=growing(120),
    params:
        index=INDEX_FILE.as_posix(),
        settings=settings("groups"),
        videos=json.dumps([video.video_id for video in VIDEOS]),
        ego4d=[f"--ego4d={source}={path}" for source, path in EGO4D_METADATA.items()],
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --index {params.index:q}"
        " {params.ego4d:q} --hashes {input.hashes:q} --near-duplicates {output.near_duplicates:q}"
        " --groups {output.groups:q} --threads {threads} --log {log:q}"

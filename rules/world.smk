"""The rendered demo world: videos with known truth, and a labelled set in the layout of a real one.

Needs: nothing but the config section `world`. Promises: the videos of a shard and their truth; the
labelled set. Costs about 0.1 s per frame and core.
"""


rule render_videos:
    """Render the videos of one shard of the demo world, with their truth."""
    input:
        code=code("render_videos.py"),
    output:
        videos=directory("<results>/world/videos/{shard}"),
        truth="<results>/world/truth/{shard}.parquet",
    log:
        "<logs>/render_videos/{shard}.log",
    benchmark:
        "<benchmarks>/render_videos/{shard}.tsv"
    conda:
        "../envs/render_videos.yaml"
    threads: 8
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        # more recordings are more videos in other shards, and none of these
        settings=settings("world", exclude={"recordings", "labels"}),
        video_ids=rendered_ids,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --video-ids {params.video_ids:q}"
        " --videos {output.videos:q} --truth {output.truth:q} --threads {threads} --log {log:q}"


rule render_labels:
    """Render the labelled set of the demo world, in FreiHAND's, DexYCB's or AssemblyHands' layout."""
    input:
        code=code("render_labels.py"),
    output:
        labels=directory("<results>/world/{labels}"),
    log:
        "<logs>/render_labels/{labels}.log",
    benchmark:
        "<benchmarks>/render_labels/{labels}.tsv"
    wildcard_constraints:
        labels=one_of(LABEL_FOLDERS.values()),
    conda:
        "../envs/render_labels.yaml"
    threads: 8
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=json.dumps(CONFIG.world.model_dump(include={"seed", "device", "labels"})),
        layout=lambda wildcards: layout_of_folder(wildcards.labels),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --layout {params.layout}"
        " --out {output.labels:q}"
        " --threads {threads} --log {log:q}"

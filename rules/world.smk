"""The rendered demo world: videos with known truth, and a labelled set in FreiHAND's layout.

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
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings("world"),
        video_ids=rendered_ids,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --video-ids {params.video_ids:q}"
        " --videos {output.videos:q} --truth {output.truth:q} --threads {threads} --log {log:q}"


rule render_labels:
    """Render the labelled set of the demo world, in FreiHAND's layout."""
    input:
        code=code("render_labels.py"),
    output:
        labels=directory("<results>/world/labels"),
    log:
        "<logs>/render_labels.log",
    benchmark:
        "<benchmarks>/render_labels.tsv"
    conda:
        "../envs/render_labels.yaml"
    threads: 8
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings("world"),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --out {output.labels:q}"
        " --threads {threads} --log {log:q}"

"""Mined sets in the form of the Hand100M release, so that the released loaders train on them.

Needs: a sampled set, its pairs, crops and keypoints, and the frames behind them. Promises: export/<set>/
with annotations.json (all mined ranks), annotations_top<K>.json where it is asked for, and frames/.
"""


rule export_annotations:
    """Write a set and its pairs as a Hand100M annotation file."""
    input:
        code=code("export_annotations.py"),
        table="<results>/sets/{set}.parquet",
        pairs="<results>/pairs/{set}.parquet",
        frames=of_set("{results}/frames/{source}/{shard}.arrow"),
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
        keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
    output:
        annotations="<results>/export/{set}/annotations{top}.json",
    log:
        "<logs>/export_annotations/{set}{top}.log",
    benchmark:
        "<benchmarks>/export_annotations/{set}{top}.tsv"
    wildcard_constraints:
        set=one_of(SAMPLED_SETS),
        top=r"(_top[1-9]\d*)?",
    conda:
        "../envs/export_annotations.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        run_dir=run_dir,
        rank=lambda wildcards: wildcards.top.replace("_top", "--rank "),
    shell:
        "python {input.code[0]:q} --run-dir {params.run_dir:q} --set {input.table:q} --pairs {input.pairs:q}"
        " {params.rank} --out {output.annotations:q} --log {log:q}"


rule export_frames:
    """Write the frames that an exported set names."""
    input:
        code=code("export_frames.py"),
        table="<results>/sets/{set}.parquet",
        frames=of_set("{results}/frames/{source}/{shard}.arrow"),
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
        keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
    output:
        frames=directory("<results>/export/{set}/frames"),
    log:
        "<logs>/export_frames/{set}.log",
    benchmark:
        "<benchmarks>/export_frames/{set}.tsv"
    wildcard_constraints:
        set=one_of(SAMPLED_SETS),
    conda:
        "../envs/export_frames.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --run-dir {params.run_dir:q} --set {input.table:q}"
        " --out {output.frames:q} --log {log:q}"

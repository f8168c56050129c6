"""Hand100M annotation files to pre-training sets: hands, keypoints and pairs are taken over, nothing is mined.

Needs: the annotation files and the images they name. Promises: what other sets have too, crops and
keypoints (in shards under the set's name), sets/<set>.parquet and pairs/<set>.parquet, so that every
later stage goes on as with sampled sets. A shard costs the decoding of its images.
"""

NOT_OF_THE_CROPS = {"positives", "max_failed_fraction", "compare_with"}


rule read_annotations:
    """Read the annotation files of one set into a table."""
    input:
        code=code("read_annotations.py"),
        annotations=annotation_files,
    output:
        annotations="<results>/annotations/{set}.arrow",
    log:
        "<logs>/read_annotations/{set}.log",
    benchmark:
        "<benchmarks>/read_annotations/{set}.tsv"
    wildcard_constraints:
        set=one_of(IMPORTED_SETS),
    conda:
        "../envs/read_annotations.yaml"
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1000 + 0.25 * input.size_mb),
        runtime=growing(60),
    params:
        settings=import_settings(exclude=NOT_OF_THE_CROPS | {"shards", "jpeg_quality"}),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --out {output.annotations:q} --log {log:q}"


rule crop_annotations:
    """Cut the annotated hands of one shard out of their images."""
    input:
        code=code("crop_annotations.py"),
        annotations="<results>/annotations/{set}.arrow",
    output:
        crops="<results>/crops/{set}/{shard}.arrow",
        keypoints="<results>/keypoints/{set}/{shard}.parquet",
        status="<results>/crops/{set}/{shard}.status.parquet",
    log:
        "<logs>/crop_annotations/{set}_{shard}.log",
    benchmark:
        "<benchmarks>/crop_annotations/{set}_{shard}.tsv"
    wildcard_constraints:
        set=one_of(IMPORTED_SETS),
    conda:
        "../envs/crop_annotations.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads, attempt: attempt * (1000 + 500 * threads),
        runtime=growing(240),
    params:
        settings=import_settings(exclude=NOT_OF_THE_CROPS),
        shard=lambda wildcards: int(wildcards.shard),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --annotations {input.annotations:q}"
        " --shard {params.shard} --crops {output.crops:q} --keypoints {output.keypoints:q}"
        " --status {output.status:q} --threads {threads} --log {log:q}"


rule import_set:
    """Put the annotated hands and their positives together as one set."""
    input:
        code=code("import_set.py"),
        annotations="<results>/annotations/{set}.arrow",
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
        status=of_set("{results}/crops/{source}/{shard}.status.parquet"),
    output:
        table="<results>/sets/{set}.parquet",
        pairs="<results>/pairs/{set}.parquet",
        description="<results>/pairs/{set}.json",
        counts="<results>/annotations/{set}.json",
        certificate="<results>/sets/{set}.certificate.json",
        pairs_certificate="<results>/pairs/{set}.certificate.json",
    log:
        "<logs>/import_set/{set}.log",
    benchmark:
        "<benchmarks>/import_set/{set}.tsv"
    wildcard_constraints:
        set=one_of(IMPORTED_SETS),
    conda:
        "../envs/import_set.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=import_settings(exclude={"compare_with", "jpeg_quality"}),
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --annotations {input.annotations:q} --crops {input.crops:q} --status {input.status:q}"
        " --set {output.table:q} --pairs {output.pairs:q} --counts {output.counts:q} --log {log:q}"

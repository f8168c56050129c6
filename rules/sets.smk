"""Keypoints to pre-training sets: valid hands, sampled with a seed, left and right balanced.

Needs: keypoints and crops of all shards of the set's sources, and the recording groups. Promises:
sets/<set>.parquet.
"""


rule sample_set:
    """Sample the hands of one pre-training set."""
    input:
        code=code("sample_set.py"),
        keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
        groups="<results>/videos/groups.parquet",
        manifest="<results>/videos/manifest.parquet",
    output:
        table="<results>/sets/{set}.parquet",
        certificate="<results>/sets/{set}.certificate.json",
    log:
        "<logs>/sample_set/{set}.log",
    benchmark:
        "<benchmarks>/sample_set/{set}.tsv"
    wildcard_constraints:
        set=one_of(SAMPLED_SETS),
    conda:
        "../envs/sample_set.yaml"
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(2000 + 4 * input.size_mb),
        runtime=growing(60),
    params:
        settings=lambda wildcards: CONFIG.sets[wildcards.set].model_dump_json(
            exclude={"ranks", "compare_with"}
        ),
        seed=CONFIG.set_seed,
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --seed {params.seed}"
        " --run-dir {params.run_dir:q} --keypoints {input.keypoints:q} --groups {input.groups:q}"
        " --manifest {input.manifest:q} --out {output.table:q} --log {log:q}"

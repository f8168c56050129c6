"""Similar hands (paper, 3.2, Eq. 1): for every hand its nearest hands in other recordings.

Needs: the set, its keypoints and its pose embedding. Promises: pairs/<set>.parquet with the ranks
that the config asks for, and how they were mined, in pairs/<set>.json.
"""


rule mine_pairs:
    """Mine the similar hands of one set."""
    input:
        code=code("mine_pairs.py"),
        table="<results>/sets/{set}.parquet",
        keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
        pca="<results>/pca/{set}.npz",
        pca_description="<results>/pca/{set}.json",
    output:
        pairs="<results>/pairs/{set}.parquet",
        description="<results>/pairs/{set}.json",
        certificate="<results>/pairs/{set}.certificate.json",
    log:
        "<logs>/mine_pairs/{set}.log",
    benchmark:
        "<benchmarks>/mine_pairs/{set}.tsv"
    wildcard_constraints:
        set=one_of(SAMPLED_SETS),
    conda:
        "../envs/mine_pairs.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(4000 + 8 * input.size_mb),
        runtime=growing(240),
    params:
        settings=lambda wildcards: CONFIG.pairs_settings(wildcards.set).model_dump_json(),
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --set {input.table:q} --pca {input.pca:q} --out {output.pairs:q}"
        " --threads {threads} --log {log:q}"


if CONFIG.pairs.backend == "torch":

    ruleorder: mine_pairs_torch > mine_pairs

    use rule mine_pairs as mine_pairs_torch with:
        input:
            code=code("mine_pairs_torch.py"),
            table="<results>/sets/{set}.parquet",
            keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
            pca="<results>/pca/{set}.npz",
            pca_description="<results>/pca/{set}.json",
        log:
            "<logs>/mine_pairs_torch/{set}.log",
        benchmark:
            "<benchmarks>/mine_pairs_torch/{set}.tsv"
        conda:
            "../envs/mine_pairs_torch.yaml"

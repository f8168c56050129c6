"""Keypoints of a set to its pose embedding: exact PCA of the normalised keypoints (paper, 3.2).

Needs: the set and the keypoints of its sources. Promises: pca/<set>.npz and what it means, in
pca/<set>.json.
"""


rule fit_pca:
    """Fit the pose embedding of one set."""
    input:
        code=code("fit_pca.py"),
        table="<results>/sets/{set}.parquet",
        keypoints=of_set("{results}/keypoints/{source}/{shard}.parquet"),
    output:
        pca="<results>/pca/{set}.npz",
        description="<results>/pca/{set}.json",
        certificate="<results>/pca/{set}.certificate.json",
    log:
        "<logs>/fit_pca/{set}.log",
    benchmark:
        "<benchmarks>/fit_pca/{set}.tsv"
    conda:
        "../envs/fit_pca.yaml"
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(2000 + 8 * input.size_mb),
        runtime=growing(60),
    params:
        settings=settings("pca"),
        found_with=found_with,
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --set {input.table:q} --out {output.pca:q} --found-with {params.found_with:q} --log {log:q}"

"""Adjacent frames (TempCLR, paper 6.3): for every hand the same hand a moment earlier or later.

Needs: the set and its crops, which know when and where a hand is seen. Promises:
adjacent_pairs/<set>.parquet, in the form of mined pairs.
"""


rule pair_adjacent_frames:
    """Pair the hands of one set with themselves in an adjacent frame."""
    input:
        code=code("pair_adjacent_frames.py"),
        table="<results>/sets/{set}.parquet",
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
    output:
        pairs="<results>/adjacent_pairs/{set}.parquet",
        certificate="<results>/adjacent_pairs/{set}.certificate.json",
    log:
        "<logs>/pair_adjacent_frames/{set}.log",
    benchmark:
        "<benchmarks>/pair_adjacent_frames/{set}.tsv"
    conda:
        "../envs/pair_adjacent_frames.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=settings("adjacent_pairs"),
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --set {input.table:q} --out {output.pairs:q} --log {log:q}"

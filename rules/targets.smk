"""The targets a user names on the command line: one per stage and one per table."""


rule index:
    input:
        code=code("index_videos.py"),
    log:
        "<logs>/index.log",
    """Look for new videos in the sources and append them to videos.tsv."""
    localrule: True
    conda:
        "../envs/index.yaml"
    params:
        config=json.dumps(config, sort_keys=True),
        index=f"{RESULTS}/videos.tsv",
    shell:
        "python {input.code[0]:q} --settings {params.config:q} --index {params.index:q} --log {log:q}"


rule frames:
    input:
        "<results>/videos/manifest.parquet",
        per_shard("{results}/frames/{source}/{shard}.arrow"),
    """Up to the frames, one per second of every video."""
    localrule: True


rule crops:
    input:
        per_shard("{results}/crops/{source}/{shard}.arrow"),
    """Up to the hand crops."""
    localrule: True


rule keypoints:
    input:
        per_shard("{results}/keypoints/{source}/{shard}.parquet"),
    """Up to the 2D keypoints."""
    localrule: True


rule pca:
    input:
        expand("<results>/pca/{set}.npz", set=CONFIG.sets),
    """Up to the pose embedding of every pre-training set."""
    localrule: True


rule pairs:
    input:
        expand("<results>/pairs/{set}.parquet", set=CONFIG.sets),
    """Up to the mined pairs of every pre-training set."""
    localrule: True


rule pretrain:
    input:
        expand("<results>/pretrain/{pretrain}/encoder.safetensors", pretrain=CONFIG.pretrain_experiments()),
    """Up to the pre-trained encoders."""
    localrule: True


rule finetune:
    input:
        expand("<results>/finetune/{finetune}/predictions.parquet", finetune=FINETUNES),
    """Up to the predictions of the fine-tuned models."""
    localrule: True


rule metrics:
    input:
        "<results>/metrics.parquet",
    """Up to the table of all metrics."""
    localrule: True


rule tables:
    input:
        expand("<results>/tables/{table}.html", table=CONFIG.experiments),
    """The paper's tables, measured beside reported."""
    localrule: True


rule figures:
    input:
        "<results>/figures",
    """The figures, made from this run."""
    localrule: True


rule report:
    input:
        "<results>/report.html",
    """The report, one self-contained page."""
    localrule: True


rule table2:
    input:
        "<results>/tables/table2.html",
    """Table 2: methods and sizes of the pre-training set, fine-tuned on FreiHAND*."""
    localrule: True

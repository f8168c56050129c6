"""The targets a user names on the command line: one per stage and one per table."""


localrules:
    index,
    frames,
    crops,
    keypoints,
    pca,
    pairs,
    adjacent_pairs,
    export,
    pretrain,
    finetune,
    metrics,
    tables,
    figures,
    report,
    table2,


rule index:
    """Look for new videos in the sources and append them to videos.tsv."""
    input:
        code=code("index_videos.py"),
    log:
        "<logs>/index.log",
    conda:
        "../envs/index.yaml"
    params:
        config=json.dumps(config, sort_keys=True),
        index=f"{RESULTS}/videos.tsv",
    shell:
        "python {input.code[0]:q} --settings {params.config:q} --index {params.index:q} --log {log:q}"


rule frames:
    """Up to the frames, one per second of every video."""
    input:
        "<results>/videos/manifest.parquet",
        per_shard("{results}/frames/{source}/{shard}.arrow"),


rule crops:
    """Up to the hand crops."""
    input:
        per_shard("{results}/crops/{source}/{shard}.arrow"),


rule keypoints:
    """Up to the 2D keypoints."""
    input:
        per_shard("{results}/keypoints/{source}/{shard}.parquet"),


rule pca:
    """Up to the pose embedding of every pre-training set."""
    input:
        expand("<results>/pca/{set}.npz", set=CONFIG.sets),


rule pairs:
    """Up to the mined pairs of every pre-training set."""
    input:
        expand("<results>/pairs/{set}.parquet", set=CONFIG.sets),


rule adjacent_pairs:
    """Up to the pairs of adjacent frames of every pre-training set."""
    input:
        [adjacent_pairs_of(name) for name in CONFIG.sets],


rule export:
    """The mined sets with their pairs and frames in the form of the Hand100M release."""
    input:
        expand("<results>/export/{set}/{part}", set=SAMPLED_SETS, part=["annotations.json", "frames"]),


rule pretrain:
    """Up to the pre-trained encoders."""
    input:
        expand("<results>/pretrain/{pretrain}/encoder.safetensors", pretrain=CONFIG.pretrain_experiments()),


rule finetune:
    """Up to the predictions of the fine-tuned models."""
    input:
        expand("<results>/finetune/{finetune}/predictions.parquet", finetune=FINETUNES),


rule metrics:
    """Up to the table of all metrics."""
    input:
        "<results>/metrics.parquet",


rule tables:
    """The paper's tables, measured beside reported."""
    input:
        expand("<results>/tables/{table}.html", table=CONFIG.experiments),


rule figures:
    """The figures, made from this run."""
    input:
        "<results>/figures",


rule report:
    """The report, one self-contained page."""
    input:
        "<results>/report.html",


rule table2:
    """Table 2: methods and sizes of the pre-training set, fine-tuned on FreiHAND*."""
    input:
        "<results>/tables/table2.html",

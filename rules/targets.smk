"""The targets a user names on the command line: one per stage, table and figure."""


rule index:
    """Look for new videos in the sources and append them to videos.tsv."""
    input:
        code=code("index_videos.py"),
    log:
        "<logs>/index.log",
    localrule: True
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
        lambda wildcards: expand(f"{RESULTS}/pca/{{set}}.npz", set=sets_asked_for()),


rule pairs:
    """Up to the mined pairs of every pre-training set."""
    input:
        lambda wildcards: expand(f"{RESULTS}/pairs/{{set}}.parquet", set=sets_asked_for()),


rule adjacent_pairs:
    """Up to the pairs of adjacent frames of every pre-training set."""
    input:
        lambda wildcards: [adjacent_pairs_of(name) for name in sets_asked_for()],


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


rule submissions:
    """Predictions as FreiHAND's submission zip and DexYCB's result file."""
    input:
        submissions,


rule tables:
    """The paper's tables, measured beside reported."""
    input:
        expand("<results>/tables/{table}.html", table=CONFIG.tables()),


rule figures:
    """The figures, made from this run."""
    input:
        "<results>/figures/index.json",


rule report:
    """The report, one self-contained page."""
    input:
        "<results>/report.html",


rule table1:
    """Table 1: pre-training methods on FreiHAND, DexYCB and AssemblyHands."""
    input:
        table_files("table1"),


rule table2:
    """Table 2: methods and sizes of the pre-training set, fine-tuned on FreiHAND*."""
    input:
        table_files("table2"),


rule table3:
    """Table 3: similar hands and adaptive weighting, on FreiHAND*."""
    input:
        table_files("table3"),


rule table4:
    """Table 4: SiMHand with positives of other ranks, on FreiHAND*."""
    input:
        table_files("table4"),


rule table5:
    """Table 5: SiMHand beside TempCLR, on FreiHAND*."""
    input:
        table_files("table5"),


rule table6:
    """Table 6: pre-training beside weak supervision, on FreiHAND*."""
    input:
        table_files("table6"),


rule table7:
    """Table 7: results on DexYCB beside other methods'."""
    input:
        table_files("table7"),


rule table8:
    """Table 8: results on AssemblyHands beside other methods'."""
    input:
        table_files("table8"),


rule figure2:
    """Figure 2: queries with their similar hands of every rank."""
    input:
        "<results>/figures/figure2.png",


rule figure4:
    """Figure 4: error over the share of FreiHAND's labels."""
    input:
        "<results>/figures/figure4.png",


rule figure5:
    """Figure 5: predictions of every method on FreiHAND and DexYCB."""
    input:
        "<results>/figures/figure5.png",


rule figure7:
    """Figure 7: predictions of every method on AssemblyHands."""
    input:
        "<results>/figures/figure7.png",


rule figure8:
    """Figure 8: a hand through the seconds of a video, with its similar hands."""
    input:
        "<results>/figures/figure8.png",


for group in CONFIG.tables():
    if group not in PAPER_TABLES:

        rule:
            """A table of the experiments of a group of your own."""
            name:
                group
            input:
                table_files(group),

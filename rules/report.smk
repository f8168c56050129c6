"""The run as a page: figures, tables, what failed, how long it took, and where it came from.

Needs: every stage before it. Promises: figures/*.png, and report.html with a pairs_<set>.html per set
beside it, all self-contained. The pairs have pages of their own, so that the report stays light.
"""


rule draw_figures:
    """Draw the figures from what this run has computed."""
    input:
        code=code("draw_figures.py"),
        manifest="<results>/videos/manifest.parquet",
        frames=per_shard("{results}/frames/{source}/{shard}.arrow") if CONFIG.frames.keep else [],
        crops=per_shard("{results}/crops/{source}/{shard}.arrow"),
        keypoints=per_shard("{results}/keypoints/{source}/{shard}.parquet"),
        sets=expand("<results>/sets/{set}.parquet", set=CONFIG.sets),
        status=status_files(),
        pca=expand("<results>/pca/{set}.{suffix}", set=CONFIG.sets, suffix=["npz", "json"]),
        pairs=expand("<results>/pairs/{set}.parquet", set=CONFIG.sets),
        pretrain=expand("<results>/pretrain/{pretrain}/history.jsonl", pretrain=PRETRAINS),
        finetune=expand(
            "<results>/finetune/{finetune}/{name}",
            finetune=FINETUNES,
            name=["predictions.parquet", "metrics.json", "history.jsonl"],
        ),
        paper=expand("<results>/figures/{figure}.{suffix}", figure=FIGURES, suffix=["png", "json"]),
    output:
        index="<results>/figures/index.json",
    log:
        "<logs>/draw_figures.log",
    benchmark:
        "<benchmarks>/draw_figures.tsv"
    conda:
        "../envs/draw_figures.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=settings("report"),
        run_dir=run_dir,
        sources=[f"{source}/{shard}" for source, shard in SHARDS],
        frames=[f"{source}/{shard}" for source, shard in SHARDS if CONFIG.frames.keep],
        sets=list(CONFIG.sets),
        pretrain=list(PRETRAINS),
        finetune=list(FINETUNES),
        paper=FIGURES,
        figures_dir=lambda wildcards, output: os.path.dirname(output.index),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --figures-dir {params.figures_dir:q} --sources {params.sources:q} --frames {params.frames:q}"
        " --sets {params.sets:q} --pretrain {params.pretrain:q} --finetune {params.finetune:q}"
        " --paper {params.paper:q} --log {log:q}"


rule draw_paper_figure:
    """Draw one of the paper's figures, from what it shows and nothing else."""
    input:
        code=code("draw_paper_figure.py"),
        shown=shown_in_figure,
    output:
        figure="<results>/figures/{figure}.png",
        entry="<results>/figures/{figure}.json",
    log:
        "<logs>/draw_paper_figure/{figure}.log",
    benchmark:
        "<benchmarks>/draw_paper_figure/{figure}.tsv"
    conda:
        "../envs/draw_paper_figure.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=settings("report"),
        run_dir=run_dir,
        sets=lambda wildcards: sets_in_figure(wildcards.figure),
        finetune=lambda wildcards: finetunes_in_figure(wildcards.figure),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --figure {wildcards.figure}"
        " --run-dir {params.run_dir:q} --sets {params.sets:q} --finetune {params.finetune:q}"
        ' --figures-dir "$(dirname {output.figure:q})" --log {log:q}'


rule record_provenance:
    """Write down the commit, the versions and the configuration of this run."""
    input:
        code=code("record_provenance.py"),
        metrics="<results>/metrics.parquet",
    output:
        provenance="<results>/provenance.json",
    log:
        "<logs>/record_provenance.log",
    localrule: True
    conda:
        "../envs/record_provenance.yaml"
    params:
        settings=CONFIG.model_dump_json(),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --out {output.provenance:q} --log {log:q}"


rule write_pairs_page:
    """Write the page on which the pairs of one set can be browsed."""
    input:
        code=code("write_pairs_page.py"),
        templates=library_files("report/templates"),
        table="<results>/sets/{set}.parquet",
        crops=of_set("{results}/crops/{source}/{shard}.arrow"),
        pairs="<results>/pairs/{set}.parquet",
    output:
        page="<results>/pairs_{set}.html",
    log:
        "<logs>/write_pairs_page/{set}.log",
    benchmark:
        "<benchmarks>/write_pairs_page/{set}.tsv"
    conda:
        "../envs/write_pairs_page.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=settings("report"),
        run_dir=run_dir,
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --set {wildcards.set:q} --out {output.page:q} --log {log:q}"


rule write_report:
    """Write the report of this run."""
    input:
        code=code("write_report.py"),
        templates=library_files("report/templates"),
        manifest="<results>/videos/manifest.parquet",
        status=status_files(),
        sets=expand("<results>/sets/{set}.parquet", set=CONFIG.sets),
        pairs=expand("<results>/pairs/{set}.{suffix}", set=CONFIG.sets, suffix=["parquet", "json"]),
        pages=expand("<results>/pairs_{set}.html", set=CONFIG.sets),
        figures="<results>/figures/index.json",
        provenance="<results>/provenance.json",
        metrics="<results>/metrics.parquet",
        tables=expand("<results>/tables/{table}.html", table=CONFIG.tables()),
    output:
        report="<results>/report.html",
        times="<results>/run_times.csv",
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.tsv"
    conda:
        "../envs/write_report.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=settings("report"),
        run_dir=run_dir,
        tables=CONFIG.tables(),
    shell:
        "python {input.code[0]:q} --settings {params.settings:q} --run-dir {params.run_dir:q}"
        " --out {output.report:q} --times {output.times:q} --provenance {input.provenance:q}"
        " --tables {params.tables:q} --log {log:q}"

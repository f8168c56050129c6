"""Which files tables, figures and the report need, where that follows from the config."""

from simhand.settings.experiment_groups import FIGURES_OF_PAIRS, FIGURES_WITH_EXPERIMENTS, PAPER_TABLES

PAPER_FIGURES = [*FIGURES_OF_PAIRS, *FIGURES_WITH_EXPERIMENTS]
FIGURES = [figure for figure in FIGURES_WITH_EXPERIMENTS if figure in CONFIG.experiments]
COMPARED_SETS = {name: chosen.compare_with for name, chosen in CONFIG.sets.items() if chosen.compare_with}


def status_files():
    """The status tables of all stages that work video by video."""
    detections = ["detections"] if CONFIG.crops.detector != "mediapipe" else []
    stages = ["frames", *detections, "crops", "keypoints"]
    return [
        path
        for stage in stages
        for path in per_shard(f"{{results}}/{stage}/{{source}}/{{shard}}.status.parquet")
    ]


def finetunes_of(group):
    """The fine-tunings of a group of experiments."""
    return [experiment.finetune.name for experiment in CONFIG.all_experiments(group)]


def imported_into(group):
    """The models with imported predictions that have seen and predict what those of a group do."""
    shown = {(FINETUNES[name].dataset, FINETUNES[name].label_fraction) for name in finetunes_of(group)}
    return {
        name: model
        for name, model in IMPORTED_MODELS.items()
        if (model.dataset, model.label_fraction) in shown
    }


def metrics_of_table(wildcards):
    """The metrics of exactly the experiments that a table shows."""
    models = [*finetunes_of(wildcards.table), *imported_into(wildcards.table)]
    return [f"{RESULTS}/finetune/{name}/metrics.parquet" for name in models]


def certificates_of_table(wildcards):
    """The certificates of these metrics; those further back in the chain are older than they are."""
    return [path.replace(".parquet", ".certificate.json") for path in metrics_of_table(wildcards)]


def settings_of_table(wildcards):
    """What a table needs to know of the config, as JSON."""
    encoders = {name: CONFIG.finetune_settings(name).encoder for name in finetunes_of(wildcards.table)}
    used = {FINETUNES[name].dataset for name in encoders}
    layouts = {name: layout for name, layout in CONFIG.layouts().items() if name in used}
    titles = {name: model.title or name for name, model in imported_into(wildcards.table).items()}
    gathered = {"compare_with": COMPARED_SETS, "layouts": layouts, "encoders": encoders, "titles": titles}
    return json.dumps(gathered)


def reported_table(wildcards):
    """The paper's numbers for a table, if it is one of the paper's."""
    if wildcards.table not in PAPER_TABLES:
        return []
    return os.path.relpath(WORKFLOW_DIR / f"workflow_scripts/simhand/report/reported/{wildcards.table}.csv")


def table_files(group):
    """The files of a table, asked for by its name."""
    return lambda wildcards: files_of_group(group, [f"{RESULTS}/tables/{group}.html"])


def files_of_group(group, files):
    """``files`` if the config has the experiments of ``group``."""
    if group not in CONFIG.experiments:
        raise WorkflowError(
            f"the config has no experiments for {group}: add rows as `experiments: {{{group}: [...]}}`; "
            "config.paper.yaml has those of the paper"
        )
    return files


def sets_in_figure(figure):
    """The set whose pairs a figure shows, if it shows pairs: of those with most ranks the first."""
    if figure not in FIGURES_OF_PAIRS:
        return []
    if not CONFIG.sets:
        raise WorkflowError(f"{figure} shows mined pairs, but the config has no `sets`; add one")
    return [max(CONFIG.sets, key=lambda name: len(CONFIG.pairs_settings(name).ranks))]


def finetunes_in_figure(figure):
    """The fine-tunings that a figure shows."""
    return [] if figure in FIGURES_OF_PAIRS else files_of_group(figure, finetunes_of(figure))


def shown_in_figure(wildcards):
    """The files that a figure of the paper is drawn from."""
    found = []
    for name in sets_in_figure(wildcards.figure):
        found += [f"{RESULTS}/sets/{name}.parquet", f"{RESULTS}/pairs/{name}.parquet"]
        found += behind_set(name, "{results}/crops/{source}/{shard}.arrow")
    needed = ["metrics.parquet"] if wildcards.figure == "figure4" else ["predictions.parquet", "metrics.json"]
    for name in finetunes_in_figure(wildcards.figure):
        found += [f"{RESULTS}/finetune/{name}/{file}" for file in needed]
    return found

"""Which files a job needs, where that follows from the config rather than from the file's name."""

from simhand.settings.experiments import METHODS_WITH_PAIRS

PRETRAINS = CONFIG.pretrain_experiments()
FINETUNES = {experiment.finetune.name: experiment.finetune for experiment in CONFIG.all_experiments()}
ENCODERS = {
    experiment.finetune.name: experiment.pretrain.name
    for experiment in CONFIG.all_experiments()
    if experiment.pretrain
}
COMPARED_SETS = {name: chosen.compare_with for name, chosen in CONFIG.sets.items() if chosen.compare_with}


def rendered_folder(wildcards):
    """The folder of rendered videos behind a shard, if its source is the rendered world."""
    if CONFIG.all_sources()[wildcards.source].kind != "rendered":
        return []
    return f"{RESULTS}/world/videos/{wildcards.shard}"


def rendered_ids(wildcards):
    """The videos that the rendered world puts into a shard."""
    rendered = [name for name, source in CONFIG.all_sources().items() if source.kind == "rendered"]
    return [video.video_id for video in VIDEOS if video.source in rendered and video.shard == wildcards.shard]


def of_set(wildcards, pattern):
    """``pattern`` for every shard that may give hands to a pre-training set."""
    return per_shard(pattern, CONFIG.sets[wildcards.set].sources)


def of_pretrain(wildcards, pattern):
    """``pattern`` for every shard behind the set of a pre-training experiment."""
    return per_shard(pattern, CONFIG.sets[PRETRAINS[wildcards.pretrain].set].sources)


def pairs_of_pretrain(wildcards):
    """The mined pairs of the set, for the method that learns from them."""
    experiment = PRETRAINS[wildcards.pretrain]
    return f"{RESULTS}/pairs/{experiment.set}.parquet" if experiment.method in METHODS_WITH_PAIRS else []


def weights_file(init):
    """The weights file that an experiment starts from, if its `init` is one."""
    return [] if init in ("random", "imagenet") else init


def encoder_of_finetune(wildcards):
    """The pre-trained encoder a fine-tuning starts from, if any."""
    pretrain = ENCODERS.get(wildcards.finetune)
    return f"{RESULTS}/pretrain/{pretrain}/encoder.safetensors" if pretrain else []


def root_of_finetune(wildcards):
    """The folder of the labelled data set."""
    dataset = CONFIG.datasets[FINETUNES[wildcards.finetune].dataset]
    return f"{RESULTS}/world/labels" if dataset.kind == "rendered" else dataset.root


def labels_of_finetune(wildcards):
    """What tells that the labelled set is there: its folder if we render it, else its label file."""
    dataset = CONFIG.datasets[FINETUNES[wildcards.finetune].dataset]
    root = root_of_finetune(wildcards)
    return root if dataset.kind == "rendered" else f"{root}/training_K.json"


def status_files():
    """The status tables of all stages that work video by video."""
    stages = ("frames", "crops", "keypoints")
    return [
        path
        for stage in stages
        for path in per_shard(f"{{results}}/{stage}/{{source}}/{{shard}}.status.parquet")
    ]


def metrics_of_table(wildcards):
    """The metrics of exactly the experiments that a table shows."""
    experiments = CONFIG.all_experiments(wildcards.table)
    return [f"{RESULTS}/finetune/{experiment.finetune.name}/metrics.parquet" for experiment in experiments]


def reported_table(wildcards):
    """The paper's numbers for a table."""
    return os.path.relpath(WORKFLOW_DIR / f"workflow_scripts/simhand/report/reported/{wildcards.table}.csv")

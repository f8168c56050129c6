"""Which files pre-training, fine-tuning and evaluation need, where that follows from the config."""

from functools import cache

from snakemake.logging import logger

from simhand.settings.datasets import caveat_of
from simhand.settings.experiments import METHODS, WEAKLY_SUPERVISED

PRETRAINS = CONFIG.pretrain_experiments()
FINETUNES = {experiment.finetune.name: experiment.finetune for experiment in CONFIG.all_experiments()}
IMPORTED_MODELS = CONFIG.imported_models()
MODELS = {**FINETUNES, **IMPORTED_MODELS}
"""Everything that is measured: both kinds have their files under finetune/<name>/."""
ENCODERS = {
    experiment.finetune.name: experiment.pretrain.name
    for experiment in CONFIG.all_experiments()
    if experiment.pretrain
}

# of the rendered labelled set, by layout
LABEL_FOLDERS = {
    "freihand": "labels",
    "dexycb": "labels_dexycb",
    "assemblyhands": "labels_assemblyhands",
}
LABEL_FILES = {
    "freihand": "training_K.json",
    "dexycb": "calibration/intrinsics/836212060125_640x480.yml",
    "assemblyhands": "annotations/train/assemblyhands_train_ego_data_v1-1.json",
}
# what is read of a data set and soon listed: not the images, nor DexYCB's labels, which are a file per image
LABELS = {
    "freihand": [
        f"{split}_{what}.json" for split in ("training", "evaluation") for what in ("K", "xyz", "scale")
    ],
    "dexycb": ["calibration/intrinsics/*_640x480.yml", "*-subject-*/*/meta.yml"],
    "assemblyhands": [
        f"annotations/{split}/assemblyhands_{split}_{what}_v1-1.json"
        for split in ("train", "val")
        for what in ("ego_data", "ego_calib", "joint_3d")
    ],
}

# of the data sets whose tools read files of predictions, by layout
SUBMISSION_FORMS = {"freihand": "zip", "dexycb": "txt"}


def pairs_of_pretrain(wildcards):
    """The pairs of the set that the method learns from, if it does: similar hands, or adjacent frames."""
    experiment = PRETRAINS[wildcards.pretrain]
    pairs = METHODS[experiment.method].pairs
    if pairs == "adjacent":
        return adjacent_pairs_of(experiment.set)
    return f"{RESULTS}/pairs/{experiment.set}.parquet" if pairs == "similar" else []


def of_pretrain(pattern):
    """``pattern`` for every shard behind the set of a pre-training experiment."""
    return lambda wildcards: behind_set(PRETRAINS[wildcards.pretrain].set, pattern)


def processes_of_pretrain(wildcards):
    """How many processes train together."""
    return CONFIG.pretrain_settings(wildcards.pretrain).processes


def gpus_of_pretrain(wildcards):
    """One for each process. Without an executor that hands out GPUs the number means nothing."""
    settings = CONFIG.pretrain_settings(wildcards.pretrain)
    return 0 if settings.device == "cpu" else settings.processes


def memory_of_pretrain_mb(wildcards):
    """What the processes of a training hold: the network at work, and decoded crops."""
    settings = CONFIG.pretrain_settings(wildcards.pretrain)
    return settings.processes * (4000 + settings.memory_mb)


def weights_file(init):
    """The weights file that an experiment starts from, if its `init` is one."""
    return [] if init in ("random", "imagenet") else init


def encoder_of_finetune(wildcards):
    """The pre-trained encoder a fine-tuning starts from, if any."""
    pretrain = ENCODERS.get(wildcards.finetune)
    return f"{RESULTS}/pretrain/{pretrain}/encoder.safetensors" if pretrain else []


def set_of_finetune(wildcards):
    """The set whose crops a weakly supervised fine-tuning learns from too, if it is one."""
    experiment = FINETUNES[wildcards.finetune]
    return f"{RESULTS}/sets/{experiment.set}.parquet" if experiment.method == WEAKLY_SUPERVISED else []


def of_finetune(pattern):
    """``pattern`` for every shard behind that set; nothing for a fine-tuning without one."""
    return lambda wildcards: (
        behind_set(FINETUNES[wildcards.finetune].set, pattern) if set_of_finetune(wildcards) else []
    )


def dataset_of_finetune(wildcards):
    """The settings of the labelled data set."""
    return CONFIG.datasets[MODELS[wildcards.finetune].dataset]


def root_of_finetune(wildcards):
    """The folder of the labelled data set."""
    dataset = dataset_of_finetune(wildcards)
    if dataset.kind == "rendered":
        return f"{RESULTS}/world/{LABEL_FOLDERS[dataset.layout]}"
    return os.path.expanduser(dataset.root)


def labels_of_finetune(wildcards):
    """The files with the labels: the folder if we render it, else those that are there and soon listed."""
    name = MODELS[wildcards.finetune].dataset
    dataset = CONFIG.datasets[name]
    root = root_of_finetune(wildcards)
    if dataset.kind == "rendered":
        return root
    label_file = f"{root}/{LABEL_FILES[dataset.kind]}"
    if not os.path.exists(label_file):
        if LOOKS_AHEAD:
            return []
        found = "has no" if os.path.isdir(root) else "is not a folder, so it has no"
        raise WorkflowError(
            f"datasets.{name}.root: {root} {found} {LABEL_FILES[dataset.kind]}, which {dataset.kind} has; "
            "give the folder that holds it"
        )
    return labels_below(root, dataset.kind)


@cache
def labels_below(root, kind):
    """The label files that are there, listed once however many experiments use them."""
    return [path.as_posix() for pattern in LABELS[kind] for path in sorted(Path(root).glob(pattern))]


def layout_of_folder(folder):
    """The layout of a folder with rendered labels."""
    return next(layout for layout, name in LABEL_FOLDERS.items() if name == folder)


def submissions(wildcards):
    """The files for the data sets' own tools, of every model of ours whose data set has such a form."""
    layouts = CONFIG.layouts()
    caveats = {name: caveat_of(dataset) for name, dataset in CONFIG.datasets.items()}
    found = [
        f"{RESULTS}/finetune/{name}/submission.{SUBMISSION_FORMS[layouts[model.dataset]]}"
        for name, model in FINETUNES.items()
        if layouts[model.dataset] in SUBMISSION_FORMS and not caveats[model.dataset]
    ]
    for name in sorted({model.dataset for model in FINETUNES.values() if caveats[model.dataset]}):
        message = f"datasets.{name}: no submission is written. {caveats[name]}"
        if not found:
            raise WorkflowError(message)
        logger.warning(message)
    return found

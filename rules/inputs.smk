"""Which files a job needs, where that follows from the config rather than from the file's name."""

from functools import cache

from snakemake.logging import logger

from simhand.hands.given.file_names import BOXES, KEYPOINTS, files_of_shard
from simhand.settings.datasets import caveat_of
from simhand.settings.experiment_groups import FIGURES_OF_PAIRS, FIGURES_WITH_EXPERIMENTS, PAPER_TABLES
from simhand.settings.experiments import METHODS, WEAKLY_SUPERVISED
from simhand.videos.sources.ego4d import metadata_file

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
PAPER_FIGURES = [*FIGURES_OF_PAIRS, *FIGURES_WITH_EXPERIMENTS]
FIGURES = [figure for figure in FIGURES_WITH_EXPERIMENTS if figure in CONFIG.experiments]
COMPARED_SETS = {name: chosen.compare_with for name, chosen in CONFIG.sets.items() if chosen.compare_with}

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

SAMPLED_SETS = [name for name, chosen in CONFIG.sets.items() if chosen.kind == "sampled"]
IMPORTED_SETS = {name: chosen for name, chosen in CONFIG.sets.items() if chosen.kind == "hand100m"}


def size_of_videos_mb(wildcards):
    """How large the videos of a shard are together; what is no file (yet) counts as nothing."""
    paths = [Path(video.path) for video in VIDEOS_OF_SHARD[wildcards.source, wildcards.shard]]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def sets_asked_for():
    """The pre-training sets, for a target that makes something of each; without any it would do nothing."""
    if not CONFIG.sets:
        raise WorkflowError(
            "the configuration names no `sets`; add for example `sets: {all: {sources: all}}`"
        )
    return list(CONFIG.sets)


def rendered_folder(wildcards):
    """The folder of rendered videos behind a shard, if its source is the rendered world."""
    if CONFIG.all_sources()[wildcards.source].kind != "rendered":
        return []
    return f"{RESULTS}/world/videos/{wildcards.shard}"


def frames_source(wildcards):
    """The settings of a source of frames as JSON; null for others, whose frames do not depend on them."""
    source = CONFIG.all_sources()[wildcards.source]
    return source.model_dump_json() if source.kind == "frames" else "null"


def frame_rate_list(wildcards):
    """The list that tells the frame rates of a source of frames, if it has one."""
    video_list = getattr(CONFIG.all_sources()[wildcards.source], "video_list", None)
    return os.path.expanduser(video_list) if video_list else []


def rendered_ids(wildcards):
    """The videos that the rendered world puts into a shard."""
    rendered = [name for name, source in CONFIG.all_sources().items() if source.kind == "rendered"]
    return [video.video_id for video in VIDEOS if video.source in rendered and video.shard == wildcards.shard]


def ego4d_metadata():
    """The ego4d.json of every source that is Ego4D and has it, as a path from here."""
    sources = CONFIG.all_sources()
    folders = {
        video.source: Path(video.path).parent for video in VIDEOS if sources[video.source].kind == "ego4d"
    }
    found = {source: metadata_file(folder) for source, folder in folders.items()}
    return {source: os.path.relpath(path) for source, path in found.items() if path}


def detector_weights(wildcards):
    """The weights of the hand-object detector."""
    weights = CONFIG.hand_object_detector.weights
    return os.path.expanduser(weights) if weights else []


def detections_of_shard(wildcards):
    """The hands found in a shard before its crops are cut out, if they do not come from MediaPipe."""
    if CONFIG.crops.detector == "mediapipe":
        return []
    return f"{RESULTS}/detections/{wildcards.source}/{wildcards.shard}.parquet"


def given_boxes_of_shard(wildcards):
    """The files of boxes that the user gives for the videos of a shard."""
    return given_of_shard("crops.boxes", CONFIG.crops.boxes, BOXES, wildcards)


def given_keypoints_of_shard(wildcards):
    """The files of keypoints that the user gives for the videos of a shard."""
    return given_of_shard("keypoints.given", CONFIG.keypoints.given, KEYPOINTS, wildcards)


def given_of_shard(key, given, suffixes, wildcards):
    """The files of ``given``, a file or folder that config ``key`` names, for the videos of a shard."""
    if given is None:
        return []
    videos = [video.video_id for video in VIDEOS_OF_SHARD[wildcards.source, wildcards.shard]]
    try:
        found = files_of_shard(Path(given).expanduser(), suffixes, wildcards.source, wildcards.shard, videos)
    except SimhandError as error:
        raise WorkflowError(f"{key}: {error}") from None
    return [path.as_posix() for path in found]


def behind_set(name, pattern):
    """``pattern`` for every shard that may give hands to a set; an imported set has shards of its own."""
    if name in IMPORTED_SETS:
        shards = [f"{shard:04d}" for shard in range(IMPORTED_SETS[name].shards)]
        return [pattern.format(results=RESULTS, source=name, shard=shard) for shard in shards]
    return per_shard(pattern, CONFIG.sets[name].sources)


def found_with(wildcards):
    """The settings that the hands of a set were found with, as JSON; null if they were imported.

    Limits on time and failures are left out, so that changing them fits no pose embedding again.
    """
    if wildcards.set in IMPORTED_SETS:
        return "null"
    sections = ["crops", "keypoints"]
    if CONFIG.crops.detector == "hand_object_detector":
        sections.append("hand_object_detector")
    limits = {"device", "frame_timeout_s", "crop_timeout_s", "max_failed_fraction"}
    found = {name: getattr(CONFIG, name).model_dump(mode="json", exclude=limits) for name in sections}
    return json.dumps(found, sort_keys=True)


def of_set(wildcards, pattern):
    """``pattern`` for every shard that may give hands to a pre-training set."""
    return behind_set(wildcards.set, pattern)


def of_pretrain(wildcards, pattern):
    """``pattern`` for every shard behind the set of a pre-training experiment."""
    return behind_set(PRETRAINS[wildcards.pretrain].set, pattern)


def set_of_finetune(wildcards):
    """The set whose crops a weakly supervised fine-tuning learns from too, if it is one."""
    experiment = FINETUNES[wildcards.finetune]
    return f"{RESULTS}/sets/{experiment.set}.parquet" if experiment.method == WEAKLY_SUPERVISED else []


def of_finetune(wildcards, pattern):
    """``pattern`` for every shard behind that set."""
    experiment = FINETUNES[wildcards.finetune]
    return behind_set(experiment.set, pattern) if experiment.method == WEAKLY_SUPERVISED else []


def annotation_files(wildcards):
    """The Hand100M annotation files of an imported set."""
    return [os.path.expanduser(path) for path in IMPORTED_SETS[wildcards.set].annotations.values()]


def import_settings(exclude):
    """The settings of an imported set as JSON, without those that a rule has no use for."""
    return lambda wildcards: IMPORTED_SETS[wildcards.set].model_dump_json(exclude=exclude)


def pairs_of_pretrain(wildcards):
    """The pairs of the set that the method learns from, if it does: similar hands, or adjacent frames."""
    experiment = PRETRAINS[wildcards.pretrain]
    pairs = METHODS[experiment.method].pairs
    if pairs == "adjacent":
        return adjacent_pairs_of(experiment.set)
    return f"{RESULTS}/pairs/{experiment.set}.parquet" if pairs == "similar" else []


def adjacent_pairs_of(name):
    """The pairs of adjacent frames of a set: those given with it, else those found in it."""
    given = name in IMPORTED_SETS and IMPORTED_SETS[name].positives == "adjacent"
    return f"{RESULTS}/{'pairs' if given else 'adjacent_pairs'}/{name}.parquet"


def processes_of_pretrain(wildcards):
    """How many processes train together."""
    return CONFIG.pretrain_settings(wildcards.pretrain).processes


def gpus_of_pretrain(wildcards):
    """One for each process. Without an executor that hands out GPUs the number means nothing."""
    settings = CONFIG.pretrain_settings(wildcards.pretrain)
    return 0 if settings.device == "cpu" else settings.processes


def weights_file(init):
    """The weights file that an experiment starts from, if its `init` is one."""
    return [] if init in ("random", "imagenet") else init


def encoder_of_finetune(wildcards):
    """The pre-trained encoder a fine-tuning starts from, if any."""
    pretrain = ENCODERS.get(wildcards.finetune)
    return f"{RESULTS}/pretrain/{pretrain}/encoder.safetensors" if pretrain else []


def root_of_finetune(wildcards):
    """The folder of the labelled data set."""
    dataset = dataset_of_finetune(wildcards)
    if dataset.kind == "rendered":
        return f"{RESULTS}/world/{LABEL_FOLDERS[dataset.layout]}"
    return os.path.expanduser(dataset.root)


def dataset_of_finetune(wildcards):
    """The settings of the labelled data set."""
    return CONFIG.datasets[MODELS[wildcards.finetune].dataset]


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


def layout_of_folder(folder):
    """The layout of a folder with rendered labels."""
    return next(layout for layout, name in LABEL_FOLDERS.items() if name == folder)


def labels_of_finetune(wildcards):
    """The files with the labels: the folder if we render it, else those that are there and soon listed."""
    name = MODELS[wildcards.finetune].dataset
    dataset = CONFIG.datasets[name]
    root = root_of_finetune(wildcards)
    if dataset.kind == "rendered":
        return root
    label_file = f"{root}/{LABEL_FILES[dataset.kind]}"
    if not os.path.exists(label_file):
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


EGO4D_METADATA = ego4d_metadata()

"""Which files the stages from videos to pairs need, where that follows from the config."""

from simhand.hands.given.file_names import BOXES, KEYPOINTS, files_of_shard
from simhand.videos.sources.ego4d import metadata_file

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


def of_set(pattern):
    """``pattern`` for every shard that may give hands to the set of a job."""
    return lambda wildcards: behind_set(wildcards.set, pattern)


def annotation_files(wildcards):
    """The Hand100M annotation files of an imported set."""
    return [os.path.expanduser(path) for path in IMPORTED_SETS[wildcards.set].annotations.values()]


def import_settings(exclude):
    """The settings of an imported set as JSON, without those that a rule has no use for."""
    return lambda wildcards: IMPORTED_SETS[wildcards.set].model_dump_json(exclude=exclude)


def adjacent_pairs_of(name):
    """The pairs of adjacent frames of a set: those given with it, else those found in it."""
    given = name in IMPORTED_SETS and IMPORTED_SETS[name].positives == "adjacent"
    return f"{RESULTS}/{'pairs' if given else 'adjacent_pairs'}/{name}.parquet"


EGO4D_METADATA = ego4d_metadata()

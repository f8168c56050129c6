"""What one job takes and writes, by its rule.

Measured on two cores of a 2026 server processor, in the files of ``benchmarks/`` that are named below. Other
videos cost more or less; a job's own time and memory are in ``benchmarks/`` of a run once it has done
something. Trainings and the hand-object detector are counted as if they ran on processors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simhand.preflight.planned_jobs import PlannedJob
from simhand.settings.config import Config
from simhand.settings.experiments import ranks_of
from simhand.settings.imported_sets import ImportedSetSettings

# hands.csv: hands in a frame, and seconds and bytes of each
HANDS_PER_FRAME = 1.3
MEDIAPIPE_S_PER_FRAME, MEDIAPIPE_S_PER_HAND, STORED_KEYPOINTS_S_PER_HAND = 0.042, 0.04, 0.001
CROP_BYTES, KEYPOINT_BYTES = 9_100, 370
# frames.csv (1080p); the detector: docs/inputs.md; decoding a frame, to cut crops: near_duplicates.csv
EXTRACTION_S_PER_FRAME, FRAME_BYTES = 0.11, 150_000
DETECTOR_S_PER_FRAME, CUTTING_S_PER_FRAME = 10.0, 0.01
# render.csv, hand100m.csv, mining.csv
VIDEO_RENDERING_S_PER_PIXEL, LABEL_RENDERING_S_PER_PIXEL = 0.85e-6, 1.1e-6
READING_S_PER_MB, ANNOTATION_MB_PER_HAND = 0.09, 1.55e-3
MINING_S_PER_HAND = 5e-5
# training_step.csv (views of 128 pixels a second) and finetuning.csv (images of 128 pixels), on two threads
VIEW_S = {"resnet18": 2 / 26.1, "resnet50": 2 / 10.9}
IMAGE_S = {"resnet18": 2 / 4.6, "resnet50": 2 / 3.5}
CHECKPOINT_BYTES = {"pretrain_encoder": 1.2e9, "finetune_detnet": 1.5e9}
"""Of ResNet-50: two checkpoints in progress, the final one, and the encoder."""

TRAINING_IMAGES = {"freihand": 130_240, "dexycb": 325_300, "assemblyhands": 98_200}
"""FreiHAND's own number, and what the paper's choice leaves of the others."""


@dataclass(frozen=True)
class Costs:
    """The costs of the jobs of a run.

    Attributes:
        config: the run's.
        seconds: of video, by source; a frame is taken of each.
        seconds_of_shard: of each shard, by source.
    """

    config: Config
    seconds: Mapping[str, float]
    seconds_of_shard: Mapping[str, float]

    def core_seconds(self, job: PlannedJob) -> float | None:
        """What a job takes on one core; None without a figure."""
        frames = self.seconds_of_shard.get(job.wildcards.get("source", ""), 0.0)
        match job.rule:
            case "render_videos":
                return self._rendering_of_shard_s()
            case "render_labels":
                labels = self.config.world.labels
                images = self._rendered_training_images() + labels.evaluation
                return LABEL_RENDERING_S_PER_PIXEL * images * labels.image_size_px**2
            case "extract_frames":
                return EXTRACTION_S_PER_FRAME * frames
            case "detect_hands":
                return DETECTOR_S_PER_FRAME * frames
            case "crop_hands":
                searched = self.config.crops.detector == "mediapipe"
                return (MEDIAPIPE_S_PER_FRAME if searched else CUTTING_S_PER_FRAME) * frames
            case "estimate_keypoints":
                estimated = self.config.keypoints.estimator == "mediapipe"
                per_hand = MEDIAPIPE_S_PER_HAND if estimated else STORED_KEYPOINTS_S_PER_HAND
                return per_hand * HANDS_PER_FRAME * frames
            case "read_annotations":
                return READING_S_PER_MB * _annotations_mb(self._imported(job.wildcards["set"]))
            case "crop_annotations":
                return CUTTING_S_PER_FRAME * _hands_of_shard(self._imported(job.wildcards["set"]))
            case "mine_pairs":
                return MINING_S_PER_HAND * self._hands_of_set(job.wildcards["set"])
            case "pretrain_encoder":
                return self._pretraining_s(job.wildcards["pretrain"])
            case "finetune_detnet":
                return self._finetuning_s(job.wildcards["finetune"])
        return None

    def bytes(self, job: PlannedJob) -> float | None:
        """What a job writes that is kept; None without a figure."""
        frames = self.seconds_of_shard.get(job.wildcards.get("source", ""), 0.0)
        match job.rule:
            case "extract_frames":
                return FRAME_BYTES * frames if self.config.frames.keep else 0.0
            case "crop_hands":
                return CROP_BYTES * HANDS_PER_FRAME * frames
            case "estimate_keypoints":
                return KEYPOINT_BYTES * HANDS_PER_FRAME * frames
            case "crop_annotations":
                hands = _hands_of_shard(self._imported(job.wildcards["set"]))
                return (CROP_BYTES + KEYPOINT_BYTES) * hands
        return CHECKPOINT_BYTES.get(job.rule)

    def _rendering_of_shard_s(self) -> float:
        world = self.config.world
        source = next(name for name, one in self.config.all_sources().items() if one.kind == "rendered")
        frames = self.seconds_of_shard[source] * world.fps
        return VIDEO_RENDERING_S_PER_PIXEL * frames * world.width_px * world.height_px

    def _rendered_training_images(self) -> int:
        labels = self.config.world.labels
        return labels.unique_training * labels.background_versions

    def _pretraining_s(self, name: str) -> float | None:
        settings = self.config.pretrain_settings(name)
        experiment = self.config.pretrain_experiments()[name]
        if settings.encoder not in VIEW_S:
            return None
        views = (1 + len(ranks_of(experiment.top_k))) * self._hands_of_set(experiment.set) * settings.epochs
        return VIEW_S[settings.encoder] * (settings.image_size_px / 128) ** 2 * views

    def _finetuning_s(self, name: str) -> float | None:
        settings = self.config.finetune_settings(name)
        found = [one.finetune for one in self.config.all_experiments() if one.finetune.name == name]
        kind = self.config.datasets[found[0].dataset].kind
        if settings.encoder not in IMAGE_S:
            return None
        images = self._rendered_training_images() if kind == "rendered" else TRAINING_IMAGES[kind]
        passes = found[0].label_fraction * settings.epochs
        return IMAGE_S[settings.encoder] * (settings.input_px / 128) ** 2 * images * passes

    def _hands_of_set(self, name: str) -> float:
        """As many as there may be; those asked for where not all videos are known."""
        chosen = self.config.sets[name]
        if isinstance(chosen, ImportedSetSettings):
            return _annotations_mb(chosen) / ANNOTATION_MB_PER_HAND
        sources = self.config.all_sources() if chosen.sources == "all" else chosen.sources
        if chosen.size is not None and not self.seconds.keys() >= set(sources):
            return chosen.size
        hands = HANDS_PER_FRAME * sum(self.seconds.get(source, 0.0) for source in sources)
        return hands if chosen.size is None else min(hands, chosen.size)

    def _imported(self, name: str) -> ImportedSetSettings:
        chosen = self.config.sets[name]
        assert isinstance(chosen, ImportedSetSettings), "its rule is of imported sets alone"
        return chosen


def _annotations_mb(chosen: ImportedSetSettings) -> float:
    """How large the annotation files of an imported set are; what is not there counts as nothing."""
    files = [Path(file).expanduser() for file in chosen.annotations.values()]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _hands_of_shard(chosen: ImportedSetSettings) -> float:
    return _annotations_mb(chosen) / ANNOTATION_MB_PER_HAND / chosen.shards

"""Is everything that a run reads there, and is there room for what it writes?"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from simhand.errors import SimhandError
from simhand.imagenet_weights import imagenet_weights
from simhand.preflight.estimate import Estimate
from simhand.preflight.finding import Finding
from simhand.settings.config import Config

GB = 1e9
SPARE = 1.1
"""Room that must be there, as a multiple of what is estimated."""


def check_roots(config: Config) -> Iterator[Finding]:
    """Whether every folder and file that the configuration names can be read."""
    for key, text in _named_places(config).items():
        path = Path(text).expanduser()
        if not path.exists():
            yield Finding(False, key, f"{path} does not exist; is its disk mounted? Correct {key}")
        elif not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            yield Finding(False, key, f"{path} may not be read by you")
        else:
            yield Finding(True, key, str(path))
    for architecture in sorted(_encoders_from_imagenet(config)):
        try:
            yield Finding(True, f"ImageNet weights of {architecture}", str(imagenet_weights(architecture)))
        except SimhandError as error:
            yield Finding(False, f"ImageNet weights of {architecture}", str(error))


def _named_places(config: Config) -> dict[str, str]:
    """The folders and files that the configuration reads, by the key that names them."""
    detected = config.crops.detector == "hand_object_detector"
    named = {
        **{
            f"sources.{name}.{key}": getattr(one, key, None)
            for name, one in config.all_sources().items()
            for key in ("path", "video_list", "video_uid_file")
        },
        **{f"sets.{name}.images": getattr(one, "images", None) for name, one in config.sets.items()},
        **{
            f"sets.{name}.annotations.{source}": file
            for name, one in config.sets.items()
            for source, file in getattr(one, "annotations", {}).items()
        },
        **{f"datasets.{name}.root": getattr(one, "root", None) for name, one in config.datasets.items()},
        **{f"init {one.finetune.init}": one.finetune.init for one in config.all_experiments()},
        **{
            f"imported_predictions.{name}.file": one.file for name, one in config.imported_predictions.items()
        },
        "groups.groups_csv": config.groups.groups_csv,
        "crops.boxes": config.crops.boxes,
        "keypoints.given": config.keypoints.given,
        "hand_object_detector.weights": config.hand_object_detector.weights if detected else None,
    }
    return {key: place for key, place in named.items() if place not in (None, "random", "imagenet")}


def _encoders_from_imagenet(config: Config) -> set[str]:
    """The architectures that start from ImageNet's weights, before a pre-training or without one."""
    return {
        config.pretrain_settings(found.pretrain.name).encoder
        if found.pretrain
        else config.finetune_settings(found.finetune.name).encoder
        for found in config.all_experiments()
        if found.finetune.init == "imagenet"
    }


def check_disk(results: Path, estimate: Estimate | None) -> Finding:
    """Whether the disk of ``results`` has room for what is estimated, if anything is."""
    place = next(folder for folder in (results, *results.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / GB:,.1f} GB free for {results}"
    if estimate is None:
        return Finding(None, "disk", f"{text}; what is needed is not known without a plan")
    needed = SPARE * estimate.bytes
    text = f"{text}, about {estimate.bytes / GB:,.1f} GB needed"
    if free >= needed:
        return Finding(True, "disk", text)
    return Finding(False, "disk", f"{text}; make room, or set frames.keep to false and jpeg_quality lower")

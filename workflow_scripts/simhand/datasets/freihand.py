"""FreiHAND v2's file layout (also that of the rendered labelled set).

Zimmermann et al., "FreiHAND" (ICCV 2019); layout as in github.com/lmb-freiburg/freihand:
``<split>/rgb/%08d.jpg`` and ``<split>_K.json``, ``<split>_xyz.json``, ``<split>_scale.json`` for the splits
``training`` and ``evaluation``. Labels are those of unique ids 0..n-1; image ``id + n * version`` shows the
same hand before another background. n is taken from the labels, never assumed.
"""

import json
import logging
import math
import os
import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.label_checks import check_in_front, check_metres
from simhand.datasets.samples import JOINTS, HandSamples, project
from simhand.errors import DataError
from simhand.text import listed

log = logging.getLogger("simhand")

Split = Literal["training", "evaluation"]
Array = NDArray[np.float64]


def load_freihand(root: Path, split: Split, scale_given: bool = True) -> HandSamples:
    """All images of a split with their labels, in order of image id.

    Evaluation joints may be absent (FreiHAND published them later); then the joints are NaN.

    Args:
        root: folder that holds ``training/`` and ``evaluation/``.
        split: ``training`` or ``evaluation``.
        scale_given: whether ``<split>_scale.json`` must be there.

    Raises:
        DataError: a file is missing, not JSON, of another shape or count, or its values are impossible.
    """
    intrinsics = _read_array(root / f"{split}_K.json", (3, 3))
    unique = len(intrinsics)
    joints = np.full((unique, JOINTS, 3), np.nan)
    if split == "training" or (root / f"{split}_xyz.json").exists():
        joints = _read_array(root / f"{split}_xyz.json", (JOINTS, 3), unique)
        check_metres(joints, str(root / f"{split}_xyz.json"))
        check_in_front(joints, np.arange(unique).astype(str), str(root / f"{split}_xyz.json"))
    else:
        log.warning("%s does not exist: predictions only, no ground truth", root / f"{split}_xyz.json")
    scale = np.full(unique, np.nan)
    if scale_given:
        scale = _read_array(root / f"{split}_scale.json", (), unique)
    versions = _count_versions(root / split / "rgb", unique, root / f"{split}_K.json")
    image_ids = np.arange(unique * versions)
    labels = image_ids % unique
    return HandSamples.filled(
        root,
        np.array([f"{split}/rgb/{image_id:08d}.jpg" for image_id in image_ids]),
        image_ids=image_ids,
        unique_ids=labels,
        joints_3d_m=joints[labels],
        joints_2d_px=project(joints, intrinsics)[labels],
        intrinsics=intrinsics[labels],
        bone_9_10_m=scale[labels],
    )


def _read_array(path: Path, shape: tuple[int, ...], count: int | None = None) -> Array:
    """A JSON list of ``count`` entries of ``shape``, all finite."""
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; expected FreiHAND's layout below {path.parent}: "
            "training/rgb/00000000.jpg, training_K.json, training_xyz.json, training_scale.json, "
            "and the same for evaluation; correct the data set's `root`"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}); copy or download it again") from error
    try:
        array = np.array(entries, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{path} is not a list of equal arrays of numbers ({error}); download it again"
        ) from error
    if array.size == 0 or array.shape[1:] != shape:
        expected = ", ".join(["samples", *map(str, shape)])
        raise DataError(
            f"{path} holds an array of shape {array.shape}, expected ({expected}); download it again"
        )
    if count is not None and len(array) != count:
        raise DataError(
            f"{path} has {len(array)} entries but {path.name.split('_')[0]}_K.json beside it has {count}; "
            "all label files of a split must be of one release: download them again"
        )
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
        raise DataError(f"{path} holds values that are not finite, in entries {listed(map(str, bad))}")
    return array


def _count_versions(folder: Path, unique: int, labels: Path) -> int:
    """How many images each of ``unique`` labels has, once every file is known to be there."""
    try:
        names = {entry.name for entry in os.scandir(folder)}
    except FileNotFoundError as error:
        raise DataError(
            f"{folder} does not exist; it must hold the images 00000000.jpg, 00000001.jpg ..."
        ) from error
    ids = {int(name[:8]) for name in names if re.fullmatch(r"\d{8}\.jpg", name)}
    if not ids:
        raise DataError(f"{folder} holds no image named like 00000000.jpg; copy the data set's images there")
    versions = math.ceil((max(ids) + 1) / unique)
    missing = [f"{image_id:08d}.jpg" for image_id in range(unique * versions) if image_id not in ids]
    if missing:
        raise DataError(
            f"{folder} holds {len(ids)} images up to {max(ids):08d}.jpg and {labels.name} has {unique} "
            f"entries, which makes {versions} version(s) of each and {len(missing)} missing image(s): "
            f"{listed(missing)}. Copy the missing images, or the complete {labels.name} if it is too short"
        )
    return versions

"""AssemblyHands v1-1, egocentric images, in its own layout: each hand of an image is a sample of its own.

Ohkawa et al., "AssemblyHands" (CVPR 2023); layout and conventions as in
github.com/facebookresearch/assemblyhands-toolkit: ``annotations/<split>/assemblyhands_<split>_*.json`` and
``images/ego_images_rectified/<split>/<sequence>/<camera>_mono10bit/%06d.jpg``.
"""

import logging
import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simhand.datasets import assemblyhands_labels, assemblyhands_rules
from simhand.datasets.assemblyhands_labels import annotation_files, read_hands
from simhand.datasets.assemblyhands_rules import MIN_VALID, crop_windows, inside_windows
from simhand.datasets.label_cache import Arrays, LabelCache, fingerprint
from simhand.datasets.label_checks import check_metres, refuse
from simhand.datasets.label_files import file_state, in_threads
from simhand.datasets.samples import HandSamples, project
from simhand.errors import DataError
from simhand.text import listed

log = logging.getLogger("simhand")

Split = Literal["train", "val"]
"""There is no `test`: its joints were withheld for a challenge, and the authors evaluate on `val`."""

ValidJoints = Literal["annotated", "in_crop"]


def load_assemblyhands(
    root: Path, split: Split, crop_factor: float, valid_joints: ValidJoints, cache: LabelCache
) -> HandSamples:
    """The hands of a split in the order of the annotation file, the right hand of an image first.

    A hand with fewer than 10 valid joints is left out. All hands that the cameras see in one moment have one
    unique id; ids are twice the annotation's place in its file, plus one for a left hand.

    Args:
        root: folder that holds ``annotations/`` and ``images/``.
        split: train or val.
        crop_factor: side of the crop over the longer side of the annotated box.
        valid_joints: ``annotated``, as the toolkit counts and measures, or only those ``in_crop``, as it
            means to (its test of the crop is without effect: `a > 0 & b` compares with `0 & b`).
        cache: where the annotations are kept once they were read.

    Raises:
        DataError: files are missing, cannot be read, or contradict each other.
    """
    files = annotation_files(root, split)
    refuse(
        [str(path) for path in files.values() if not path.is_file()],
        "annotation file(s) do not exist",
        "Expected AssemblyHands' layout, annotations/ and images/ below the data set's `root`: correct it, "
        "or copy the files there",
    )
    states = {path.name: file_state(path) for path in files.values()}
    code = [__file__, assemblyhands_labels.__file__, assemblyhands_rules.__file__]
    hands = cache.load(
        f"assemblyhands-{split}", root, fingerprint(code, states), lambda: read_hands(root, split)
    )
    _check_images(root, hands["image"], cache.threads)
    pixels = project(hands["joints_m"], hands["intrinsics"])
    windows = crop_windows(hands["box"], crop_factor)
    valid = hands["valid"] & (inside_windows(pixels, windows) if valid_joints == "in_crop" else True)
    kept = _choose(root, split, hands, valid)
    chosen = {name: values[kept] for name, values in hands.items()}
    return _samples(root, chosen, pixels[kept], windows[kept].astype(np.float64), valid[kept])


def _check_images(root: Path, images: NDArray[np.str_], threads: int) -> None:
    """Raise :class:`DataError` naming the images that are not there."""
    folders = sorted({name.rpartition("/")[0] for name in images.tolist()})
    listed = dict(
        zip(
            folders,
            in_threads(
                lambda name: _names(root / "images" / name), folders, threads, f"{root}: folders listed"
            ),
            strict=True,
        )
    )
    missing = [name for name in np.unique(images).tolist() if _split(name)[1] not in listed[_split(name)[0]]]
    refuse(missing, f"image(s) are missing below {root / 'images'}", "Extract or copy them there")


def _split(name: str) -> tuple[str, str]:
    folder, _, file = name.rpartition("/")
    return folder, file


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def _choose(root: Path, split: Split, hands: Arrays, valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The rows to use; says how many are left out, and whether the toolkit's own list says the same."""
    behind = (valid & ~(hands["joints_m"][..., 2] > 0)).any(axis=1)
    usable = np.isfinite(hands["joints_m"]).all(axis=(1, 2)) & ~behind
    enough = valid.sum(axis=1) >= MIN_VALID
    log.info(
        "%s, %s: %d hands with a box, %d with fewer than %d valid joints and %d with joints that are not "
        "finite or not before the camera left out, %d used",
        root,
        split,
        len(usable),
        (~enough).sum(),
        MIN_VALID,
        (enough & ~usable).sum(),
        (enough & usable).sum(),
    )
    if not (enough & usable).any():
        raise DataError(
            f"{root}, {split}: no hand has {MIN_VALID} valid joints; download the annotations again"
        )
    _compare_with_list(root / f"annotations/{split}/invalid_{split}_ego.txt", hands, ~enough)
    return np.flatnonzero(enough & usable)


def _compare_with_list(path: Path, hands: Arrays, left_out: NDArray[np.bool_]) -> None:
    """Say where the list of invalid hands that the toolkit writes beside the annotations differs from ours.

    The list is not followed: the toolkit writes it line by line in its first run and trusts it ever after,
    even if that run was interrupted.
    """
    if not path.is_file():
        return
    theirs = {line.strip() for line in path.read_text().splitlines() if line.strip()}
    ours = {
        f"{image},{int(is_left)}"
        for image, is_left in zip(
            hands["image"][left_out].tolist(), hands["is_left"][left_out].tolist(), strict=True
        )
    }
    if theirs != ours:
        log.warning(
            "%s lists %d hands and the rule, which is followed, leaves out %d. Only listed: %s. Not so: %s",
            path,
            len(theirs),
            len(ours),
            listed(sorted(theirs - ours)) or "none",
            listed(sorted(ours - theirs)) or "none",
        )


def _samples(
    root: Path,
    hands: Arrays,
    pixels: NDArray[np.float64],
    windows: NDArray[np.float64],
    valid: NDArray[np.bool_],
) -> HandSamples:
    check_metres(hands["joints_m"], str(root))
    moments = np.char.add(np.char.add(hands["sequence"], "/"), np.char.zfill(hands["frame"].astype(str), 6))
    tracks = np.char.add(np.char.add(hands["sequence"], "/"), hands["camera"])
    return HandSamples.filled(
        root,
        np.char.add("images/", hands["image"]),
        image_ids=hands["id"],
        unique_ids=np.unique(moments, return_inverse=True)[1].reshape(-1),
        joints_3d_m=hands["joints_m"],
        joints_2d_px=pixels,
        intrinsics=hands["intrinsics"],
        visible=valid,
        boxes_px=windows,
        sequences=tracks,
        frames=hands["frame"],
    ).mirrored(np.where(hands["is_left"], hands["width_px"], 0))

"""The label files of DexYCB: joints of one hand, and what covers it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HAND = 255
"""What the hand's pixels are in ``seg``; 0 is background, 1 to 21 are objects."""

_SHAPES = {"joint_3d": (1, 21, 3), "joint_2d": (1, 21, 2)}


@dataclass(frozen=True)
class FolderLabels:
    """The labels of one camera's F frames of a sequence, float32, and the files that are not as expected.

    joint_3d (F, 21, 3) metres, camera frame; joint_2d (F, 21, 2) pixels, the first centred on 0; both -1
    where there is no hand. occluded_share (F,), NaN where no joint is in the image.
    """

    joint_3d: NDArray[np.float32]
    joint_2d: NDArray[np.float32]
    occluded_share: NDArray[np.float32]
    problems: list[str]


def read_folder(folder: Path, frames: int, image_shape: tuple[int, int]) -> FolderLabels:
    """Read ``labels_000000.npz`` to the last of ``frames`` below ``folder``."""
    labels = FolderLabels(
        np.full((frames, 21, 3), -1, dtype=np.float32),
        np.full((frames, 21, 2), -1, dtype=np.float32),
        np.full(frames, np.nan, dtype=np.float32),
        [],
    )
    for frame in range(frames):
        path = folder / f"labels_{frame:06d}.npz"
        try:
            joint_3d, joint_2d, seg = _read(path, image_shape)
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            labels.problems.append(f"{path} ({error})")
            continue
        labels.joint_3d[frame], labels.joint_2d[frame] = joint_3d, joint_2d
        if not (joint_3d == -1).all():
            labels.occluded_share[frame] = occluded_share(joint_2d, seg)
    return labels


def occluded_share(joint_2d: NDArray[Any], seg: NDArray[np.uint8]) -> float:
    """Share of the joints in the image whose pixel is not the hand's; NaN if none is in the image.

    A joint that another finger hides has the hand's pixel and counts as seen.

    Args:
        joint_2d: (21, 2) pixels, the first centred on 0.
        seg: (H, W) labels.
    """
    column, row = np.floor(joint_2d + 0.5).astype(np.int64).T
    inside = (column >= 0) & (column < seg.shape[1]) & (row >= 0) & (row < seg.shape[0])
    return float((seg[row[inside], column[inside]] != HAND).mean()) if inside.any() else float("nan")


def _read(path: Path, image_shape: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint8]]:
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in ("joint_3d", "joint_2d", "seg")}
    for name, shape in {**_SHAPES, "seg": image_shape}.items():
        if found[name].shape != shape:
            raise ValueError(f"{name} has shape {found[name].shape}, expected {shape}")
    for name in _SHAPES:
        if not np.isfinite(found[name]).all():
            raise ValueError(f"{name} is not finite")
    return found["joint_3d"][0], found["joint_2d"][0], found["seg"]

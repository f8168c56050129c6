"""DexYCB's subjects, cameras and splits, in the order that numbers its images.

Chao et al., "DexYCB" (CVPR 2021); as in github.com/NVlabs/dex-ycb-toolkit, `dex_ycb.py`. The id of an image
is its place in its split: subject, then sequence, then camera, then frame. Result files name images so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Setup = Literal["s0", "s1", "s2", "s3"]
Split = Literal["train", "val", "test"]

SUBJECTS = (
    "20200709-subject-01",
    "20200813-subject-02",
    "20200820-subject-03",
    "20200903-subject-04",
    "20200908-subject-05",
    "20200918-subject-06",
    "20200928-subject-07",
    "20201002-subject-08",
    "20201015-subject-09",
    "20201022-subject-10",
)
SERIALS = (
    "836212060125",
    "839512060362",
    "840412060917",
    "841412060263",
    "932122060857",
    "932122060861",
    "932122061900",
    "932122062010",
)


@dataclass(frozen=True)
class Extent:
    """How much of the data set there is: sequences of each subject, and the first cameras."""

    sequences: int
    cameras: int


WHOLE = Extent(sequences=100, cameras=8)
RENDERED = Extent(sequences=1, cameras=2)
"""What the demo world renders of it: enough for setup s1."""


@dataclass(frozen=True)
class SplitIndices:
    """Which subjects, cameras and sequences (places among a subject's sorted folders) a split holds."""

    subjects: tuple[int, ...]
    cameras: tuple[int, ...]
    sequences: tuple[int, ...]


def split_indices(setup: Setup, split: Split, extent: Extent = WHOLE) -> SplitIndices:
    """What ``split`` of ``setup`` holds: s0 all seen, s1 unseen subjects, s2 views, s3 grasps."""
    subjects = tuple(range(len(SUBJECTS)))
    cameras = tuple(range(extent.cameras))
    sequences = tuple(range(extent.sequences))
    if setup == "s0":
        subjects = {"train": subjects, "val": (0, 1), "test": subjects[2:]}[split]
        sequences = tuple(place for place in sequences if (place % 5 != 4) == (split == "train"))
    elif setup == "s1":
        subjects = {"train": (0, 1, 2, 3, 4, 5, 9), "val": (6,), "test": (7, 8)}[split]
    elif setup == "s2":
        seen = {"train": range(6), "val": (6,), "test": (7,)}[split]
        cameras = tuple(camera for camera in cameras if camera in seen)
    else:
        held_out = {"val": (3, 19), "test": (7, 11, 15), "train": (3, 7, 11, 15, 19)}[split]
        sequences = tuple(place for place in sequences if (place // 5 in held_out) == (split != "train"))
    return SplitIndices(subjects, cameras, sequences)


def image_index(indices: SplitIndices, frames: Mapping[tuple[int, int], int]) -> NDArray[np.int32]:
    """Every image of a split in the order of its id: (N, 4) subject, sequence, camera and frame.

    Args:
        indices: what the split holds.
        frames: number of frames of each (subject, sequence).
    """
    rows = [
        (subject, sequence, camera, frame)
        for subject in indices.subjects
        for sequence in indices.sequences
        for camera in indices.cameras
        for frame in range(frames[subject, sequence])
    ]
    return np.array(rows, dtype=np.int32).reshape(-1, 4)

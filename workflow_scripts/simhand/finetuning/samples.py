"""The labelled hands of a data set as plain arrays, whatever layout they came from."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class HandSamples:
    """N images of right hands with their labels; every array has N rows.

    Coordinates: camera frame in metres (x right, y down, z forward); pixels of the original image counted
    from its top left corner; ``uv = K xyz / z``. Without ground truth the joints are NaN.
    """

    root: Path
    images: NDArray[np.str_]
    """Paths relative to ``root``."""
    image_ids: NDArray[np.int64]
    unique_ids: NDArray[np.int64]
    """Versions of one photograph with other backgrounds share a unique id."""
    joints_3d_m: NDArray[np.float64]
    joints_2d_px: NDArray[np.float64]
    intrinsics: NDArray[np.float64]
    bone_9_10_m: NDArray[np.float64]
    """Length of the middle finger's first bone, which FreiHAND tells every competitor; NaN if not given."""
    visible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def has_joints(self) -> bool:
        """Whether the samples have ground truth."""
        return bool(np.isfinite(self.joints_3d_m).all())

    def take(self, rows: NDArray[np.int64]) -> "HandSamples":
        """The samples in ``rows``, in that order."""
        arrays = {
            field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "root"
        }
        return HandSamples(root=self.root, **arrays)


def project(joints_3d: NDArray[np.float64], intrinsics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pinhole projection of joints (..., 21, 3) with matrices (..., 3, 3) to pixels (..., 21, 2)."""
    homogeneous = joints_3d @ np.swapaxes(intrinsics, -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]

"""The labelled hands of a data set as plain arrays, whatever layout they came from."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

JOINTS = 21


@dataclass(frozen=True)
class HandSamples:
    """N hands in images with their labels, all of them right hands; every array has N rows.

    A left hand is given as its mirror image: joints and K are those of the image mirrored left to right,
    and whoever reads the image mirrors it. Coordinates: camera frame in metres (x right, y down, z forward);
    pixels of that image counted from its top left corner; ``uv = K xyz / z``. Without ground truth the
    joints are NaN.
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
    """(N, 21) joints that may be learnt from and are measured."""
    mirror_width_px: NDArray[np.int64]
    """Width of the image of a left hand, which is to be mirrored; 0 for a right hand."""
    boxes_px: NDArray[np.float64]
    """(N, 4) x1 y1 x2 y2 of the square to cut out; NaN where the crop follows from the joints."""
    sequences: NDArray[np.str_]
    """Recordings; empty for single pictures."""
    frames: NDArray[np.int64]
    """Places in the recordings; -1 for single pictures."""
    occluded_share: NDArray[np.float64]
    """Share of the joints that something hides; NaN where the labels do not tell."""

    @classmethod
    def filled(cls, root: Path, images: NDArray[np.str_], **columns: NDArray[Any]) -> "HandSamples":
        """Samples with the ``columns`` given; of the others it says that nothing is known.

        ``image_ids``, ``unique_ids``, ``joints_2d_px`` and ``intrinsics`` must be given. Without the others
        there is no ground truth and no length of bone 9-10, all hands are right ones with every joint
        visible, their crops follow from the joints, and the images are single pictures.
        """
        count = len(images)
        unknown = {
            "joints_3d_m": np.full((count, JOINTS, 3), np.nan),
            "bone_9_10_m": np.full(count, np.nan),
            "visible": np.ones((count, JOINTS), dtype=bool),
            "mirror_width_px": np.zeros(count, dtype=np.int64),
            "boxes_px": np.full((count, 4), np.nan),
            "sequences": np.full(count, ""),
            "frames": np.full(count, -1),
            "occluded_share": np.full(count, np.nan),
        }
        return cls(root=root, images=images, **(unknown | columns))

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

    def mirrored(self, width_px: NDArray[np.int64]) -> "HandSamples":
        """Hands as their images show them, made right hands where ``width_px`` (N,) of the image is not 0."""
        return replace(self._flipped(width_px), mirror_width_px=width_px)

    def unmirrored(self) -> "HandSamples":
        """The same hands as their images show them: left ones left again. Mirrors right ones never."""
        as_they_are = np.zeros_like(self.mirror_width_px)
        return replace(self._flipped(self.mirror_width_px), mirror_width_px=as_they_are)

    def _flipped(self, width_px: NDArray[np.int64]) -> "HandSamples":
        """The labels once their images, ``width_px`` (N,) wide, are mirrored left to right; 0 leaves them."""
        intrinsics = self.intrinsics.copy()
        intrinsics[:, 0, 2] = mirror_pixels(intrinsics[:, 0, 2:], width_px)[:, 0]
        return replace(
            self,
            joints_3d_m=mirror_points(self.joints_3d_m, width_px > 0),
            joints_2d_px=mirror_pixels(self.joints_2d_px, width_px),
            intrinsics=intrinsics,
            boxes_px=mirror_boxes(self.boxes_px, width_px),
        )


def mirror_points(points: NDArray[np.float64], mirrored: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Points (N, ..., 3) of the camera frame, x negated in the rows that are ``mirrored`` (N,)."""
    return np.where(_along(mirrored, points), points * np.array([-1.0, 1.0, 1.0]), points)


def mirror_pixels(points: NDArray[np.float64], width_px: NDArray[np.int64]) -> NDArray[np.float64]:
    """Pixels (N, ..., x first) mirrored left to right in images of ``width_px`` (N,); 0 leaves them."""
    mirrored = points.copy()
    mirrored[..., 0] = np.where(
        _along(width_px > 0, points[..., 0]),
        _along(width_px, points[..., 0]) - points[..., 0],
        points[..., 0],
    )
    return mirrored


def mirror_boxes(boxes_px: NDArray[np.float64], width_px: NDArray[np.int64]) -> NDArray[np.float64]:
    """Boxes (N, 4) x1 y1 x2 y2 mirrored left to right in images of ``width_px`` (N,); 0 leaves them."""
    corners = mirror_pixels(boxes_px.reshape(-1, 2, 2), width_px)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _along(values: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    """``values`` (N,) with the axes that broadcast them against ``array`` (N, ...)."""
    return values.reshape(-1, *[1] * (array.ndim - 1))


def project(joints_3d: NDArray[np.float64], intrinsics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pinhole projection of joints (..., 21, 3) with matrices (..., 3, 3) to pixels (..., 21, 2)."""
    homogeneous = joints_3d @ np.swapaxes(intrinsics, -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]

"""AssemblyHands' own rules: joint order, crop window and which hands count.

Ohkawa et al., "AssemblyHands" (CVPR 2023); as in github.com/facebookresearch/assemblyhands-toolkit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDES = ("right", "left")
"""Joints 0-20 of a frame are the right hand's, 21-41 the left hand's; hand ids follow this order."""

TO_WRIST_FIRST = [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16]
"""A hand's joints are listed tip to base, thumb first, wrist last: where each of ours is found there."""

MIN_VALID = 10
MIN_CROP_PX = 100


def crop_windows(boxes_xyxy: NDArray[Any], factor: float) -> NDArray[np.int64]:
    """The squares to cut out, (N, 4) x1 y1 x2 y2 in whole pixels; they may reach beyond the image.

    A square of ``factor`` times the longer side around the box's centre, at least 100 pixels, in float32
    and truncated as the toolkit does it.
    """
    low, high = boxes_xyxy[:, :2].astype(np.float32), boxes_xyxy[:, 2:].astype(np.float32)
    size = high - low
    centre = low + size / 2
    side = size.max(axis=1, keepdims=True) * np.float32(factor)
    corner = centre - side / 2
    whole_side = np.maximum(np.trunc(side), MIN_CROP_PX).astype(np.int64)
    middle = (corner + (corner + side)) * np.float32(0.5)
    first = np.trunc(middle - (whole_side * 0.5).astype(np.float32)).astype(np.int64)
    return np.concatenate([first, first + whole_side], axis=1)


def inside_windows(pixels: NDArray[np.float64], windows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the joints (N, 21, 2) lie in their window (N, 4)."""
    inside: NDArray[np.bool_] = ((pixels >= windows[:, None, :2]) & (pixels < windows[:, None, 2:])).all(
        axis=-1
    )
    return inside

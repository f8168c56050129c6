"""The released augmenter, step by step in OpenCV: rotate, crop, resize, colour (preset ``release``).

It turns by whole degrees about a truncated centre, cuts the window off at the right and bottom border
and squashes what is left to a square, shifts the content to the left and up only, and jitters hue,
saturation and value with red and blue swapped. All of it is kept. Recorded: golden/augment.npz.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simhand.errors import DataError
from simhand.pretraining.augment import Augmented, Views
from simhand.pretraining.colour import SATURATION_GAIN, VALUE_GAIN, normalise
from simhand.pretraining.geometry import Geometry, GeometryRanges

CROP_PX = 224
"""The released loader resizes every crop to this before it augments."""

HUE_GAIN = (0.01, 1.0)
VALUE_OFFSET = (5.0, 20.0)

Float64Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]


class ReleasedDraws(NamedTuple):
    """The random numbers of one view; ``angle_degrees`` is None where the method does not rotate."""

    angle_degrees: int | None
    margin: float
    translation_px: tuple[int, int]
    gains_hsv: tuple[float, float, float]
    value_offset: float


class ReleasedView(NamedTuple):
    """One view: RGB image before colour, joints (21, 2) in it, 3 x 3 matrix crop to view, jitter (all px)."""

    image: Image
    joints: Float64Array
    matrix: Float64Array
    jitter_px: tuple[int, int]


def released_draws(uniform: Float64Array, ranges: GeometryRanges) -> ReleasedDraws:
    """Eight uniform numbers scaled as the released augmenter scales its own."""
    turns = ranges.rotation_degrees
    shift_px = ranges.translation * CROP_PX
    return ReleasedDraws(
        angle_degrees=math.floor(turns - 2 * turns * uniform[0]) if turns else None,
        margin=ranges.margin_min + (ranges.margin_max - ranges.margin_min) * uniform[1],
        translation_px=(int(shift_px * uniform[2]), int(shift_px * uniform[3])),
        gains_hsv=(
            _within(HUE_GAIN, uniform[4]),
            _within(SATURATION_GAIN, uniform[5]),
            _within(VALUE_GAIN, uniform[6]),
        ),
        value_offset=_within(VALUE_OFFSET, uniform[7]),
    )


def released_geometry(crop: Image, joints: Float64Array, draws: ReleasedDraws, size_px: int) -> ReleasedView:
    """Rotate ``crop``, cut the window around its ``joints`` (px), and resize it to ``size_px``."""
    matrix = np.eye(3)
    if draws.angle_degrees is not None:
        centre = tuple(max(int(value), 0) for value in joints.mean(axis=0))
        matrix[:2] = cv2.getRotationMatrix2D(centre, draws.angle_degrees, 1.0)
        crop = cv2.warpAffine(crop, matrix[:2], crop.shape[1::-1], flags=cv2.INTER_LINEAR).astype(np.uint8)
        joints = joints @ matrix[:2, :2].T + matrix[:2, 2]
    centre_x, centre_y = (int(value) for value in joints.mean(axis=0))
    half = int(np.linalg.norm(joints - (centre_x, centre_y), axis=1).max() * draws.margin)
    left = max(centre_x - half + draws.translation_px[0], 0)
    top = max(centre_y - half + draws.translation_px[1], 0)
    window = crop[top : top + 2 * half, left : left + 2 * half]
    if window.size == 0:
        raise DataError(
            f"augmentation 'release' cut an empty window: joints centred at {centre_x, centre_y} px"
        )
    scale = size_px / np.array(window.shape[1::-1], np.float64)
    cut = np.diag([*scale, 1.0]) @ np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]])
    image = cv2.resize(window, (size_px, size_px), interpolation=cv2.INTER_AREA).astype(np.uint8)
    jitter_px = (centre_x - half - left, centre_y - half - top)
    return ReleasedView(image, (joints - (left, top)) * scale, cut @ matrix, jitter_px)


def released_colour(image: Image, draws: ReleasedDraws) -> Image:
    """Scale hue, saturation and value of an RGB image that is taken for BGR."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float64) * draws.gains_hsv
    hsv[..., 2] += draws.value_offset
    return cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR).astype(np.uint8)


def augment_as_released(
    crops: Image,
    keypoints: npt.NDArray[np.float32],
    draws: Float64Array,
    ranges: GeometryRanges,
    size_px: int,
) -> Augmented:
    """The views, on the CPU, of crops (M, 224, 224, 3), keypoints (M, 21, 2) in [0, 1] and draws (M, 8)."""

    def view_of(index: int) -> tuple[Image, ReleasedView, int]:
        own = released_draws(draws[index], ranges)
        joints = keypoints[index].astype(np.float64) * CROP_PX
        view = released_geometry(crops[index], joints, own, size_px)
        return released_colour(view.image, own), view, own.angle_degrees or 0

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        images, views, angles = zip(*pool.map(view_of, range(len(crops))), strict=True)
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div_(255)
    geometry = Geometry(
        _view_to_crop(np.stack([view.matrix for view in views]), size_px),
        torch.tensor(angles, dtype=torch.float32),
        torch.tensor([view.jitter_px for view in views], dtype=torch.float32) / size_px,
    )
    joints = torch.from_numpy(np.stack([view.joints for view in views])).float()
    return Augmented(normalise(batch).contiguous(memory_format=torch.channels_last), Views(joints, geometry))


def _view_to_crop(crop_to_view_px: Float64Array, size_px: int) -> Tensor:
    """Matrices (M, 3, 3) from crop to view in pixels, as (M, 2, 3) from view to crop in [-1, 1]."""
    to_px = np.array([[size_px / 2, 0, size_px / 2], [0, size_px / 2, size_px / 2], [0, 0, 1]])
    to_frame = np.array([[2 / CROP_PX, 0, -1], [0, 2 / CROP_PX, -1], [0, 0, 1]])
    return torch.from_numpy((to_frame @ np.linalg.inv(crop_to_view_px) @ to_px)[:, :2]).float()


def _within(bounds: tuple[float, float], draw: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * float(draw)

"""The square crop around a hand: where it lies, how it varies in training, and what it does to the labels.

Everything here is one affine map from the original image to the network input. Coordinates count from the
image's top left corner, so the centre of the first pixel is (0.5, 0.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]

RELEASED_STATES = 1025
"""The release seeds its generator with a number from 0 to 1024, so it knows no more augmentations."""


@dataclass(frozen=True)
class Crop:
    """A square of ``side`` pixels around ``centre`` (x, y), turned by ``rotation`` radians when cut out."""

    centre: Array
    side: float
    rotation: float = 0.0

    def affine(self, output_px: int) -> Array:
        """The 3 x 3 map from image pixels to the pixels of an output of ``output_px`` a side."""
        matrix = rotation_about_z(self.rotation)
        scale = output_px / self.side
        shift = output_px / 2 - scale * (matrix[:2, :2] @ self.centre)
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]]) @ matrix


def rotation_about_z(radians: float) -> Array:
    """The 3 x 3 rotation about the viewing axis; positive turns x towards y (clockwise on screen)."""
    cos, sin = np.cos(radians), np.sin(radians)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def crop_around(joints_2d: Array, factor: float, truncated: bool) -> Crop:
    """The crop of ``factor`` times the larger side of the joints' box, centred on it.

    Args:
        joints_2d: (21, 2) pixels.
        factor: side of the crop over side of the box.
        truncated: cut the centre to whole pixels as the release does.
    """
    low, high = joints_2d.min(axis=0), joints_2d.max(axis=0)
    centre = (low + high) / 2
    return Crop(np.trunc(centre) if truncated else centre, factor * float((high - low).max()))


def jittered_crop(crop: Crop, rng: np.random.Generator, centre: float, scale: float, rotation: float) -> Crop:
    """``crop`` moved by up to ``centre`` and scaled by up to ``scale`` of its side, and turned."""
    shift = centre * crop.side * rng.uniform(-1, 1, 2)
    factor = np.clip(1 + scale * rng.standard_normal(), 1 - scale, 1 + scale)
    return Crop(crop.centre + shift, crop.side * float(factor), float(rng.uniform(-rotation, rotation)))


def released_jitter(crop: Crop, state: int, centre: float, scale: float, rotation: float) -> Crop:
    """The release's variation: draws of legacy generator ``state`` (0 to 1024), shifts in whole pixels."""
    legacy = np.random.RandomState(state)
    shift = np.trunc(centre * crop.side * legacy.uniform(-1, 1, size=2))
    factor = np.clip(1 + scale * legacy.randn(), 1 - scale, 1 + scale)
    return Crop(crop.centre + shift, crop.side * float(factor), float(legacy.uniform(-rotation, rotation)))


def transform_points(affine: Array, points: Array) -> Array:
    """Points (..., 2) through a 3 x 3 affine map."""
    return points @ affine[:2, :2].T + affine[:2, 2]


def transform_intrinsics(affine: Array, intrinsics: Array, rotation: float) -> Array:
    """The K that projects the rotated joints into the crop: A K R^-1.

    With joints R J this gives A K J, the crop's image of the original projection, exactly.
    """
    return affine @ intrinsics @ rotation_about_z(-rotation)


def warp(image: NDArray[np.uint8], affine: Array, output_px: int, nearest: bool) -> NDArray[np.uint8]:
    """Cut the square that ``affine`` maps to (output_px, output_px) out of an image (H, W, 3); black outside.

    The bilinear warp first averages whole blocks of pixels where it shrinks twofold or more, since
    interpolation alone would skip pixels. The nearest one equals the release's.
    """
    picture = Image.fromarray(image)
    backwards = np.linalg.inv(affine)
    shrink = 1 if nearest else int(np.hypot(backwards[0, 0], backwards[1, 0]))
    if shrink > 1:
        picture = picture.reduce(shrink)
        backwards = np.diag([1 / shrink, 1 / shrink, 1]) @ backwards
    kernel = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    size = (output_px, output_px)
    return np.array(picture.transform(size, Image.Transform.AFFINE, tuple(backwards[:2].ravel()), kernel))

"""From crops to the views a method contrasts: geometry, colour, and the keypoints that go along."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from simhand.pretraining.colour import jitter
from simhand.pretraining.geometry import Geometry, GeometryRanges, place_views, points_in_view
from simhand.pretraining.random_draws import Float64Array, Int64Array, uniform_draws
from simhand.pretraining.view_images import view_images

DRAWS = 8
"""Uniform numbers per view: rotation, margin, shift x, shift y, hue, saturation, value gain and offset."""


class Views(NamedTuple):
    """What is known of M views beside their images.

    ``keypoints`` (M, 21, 2) in pixels of the view, ``geometry`` how the views lie in their crops.
    """

    keypoints: Tensor
    geometry: Geometry


class Augmented(NamedTuple):
    """``images`` (M, 3, H, H) by ImageNet statistics, and the ``views`` that they show."""

    images: Tensor
    views: Views


def draws_for(seed: int, epoch: int, positions: Int64Array, views: int = 2) -> Float64Array:
    """Uniform numbers (V N, DRAWS), view by view: V ``views`` of the N samples at these ``positions``."""
    places, numbers = np.tile(positions, views), np.repeat(np.arange(1, views + 1), len(positions))
    return uniform_draws(seed, epoch, places[:, None], numbers[:, None], np.arange(DRAWS))


def augment(
    crops: Tensor, keypoints: Tensor, draws: Tensor, ranges: GeometryRanges, hue_turns: float, size_px: int
) -> Augmented:
    """The views of some crops, on the device where the crops are.

    Args:
        crops: (M, S, S, 3) uint8 RGB.
        keypoints: (M, 21, 2) in [0, 1] of the crop.
        draws: (M, DRAWS) uniform numbers.
        ranges: what the geometric draws are scaled to.
        hue_turns: see :func:`jitter`.
        size_px: side of the views.
    """
    in_crop = 2 * keypoints - 1
    geometry = place_views(in_crop, draws[:, :4], ranges)
    images = view_images(crops, geometry.view_to_crop, jitter(draws[:, 4:], hue_turns), size_px)
    in_view = points_in_view(in_crop, geometry.view_to_crop)
    views = Views((in_view + 1) * (size_px / 2), geometry)
    return Augmented(images, views)

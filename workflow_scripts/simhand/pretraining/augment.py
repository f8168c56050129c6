"""From crops to the views a method contrasts: geometry, colour, and the keypoints that go along."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from simhand.pretraining.colour import jitter_colour, normalise
from simhand.pretraining.geometry import Geometry, GeometryRanges, place_views, points_in_view, warp
from simhand.pretraining.random_draws import Float64Array, Int64Array, uniform_draws

DRAWS = 8
"""Uniform numbers per view: rotation, margin, shift x, shift y, hue, saturation, value gain and offset."""


class Views(NamedTuple):
    """2N views, the first N and the last N being the two views of N pairs.

    ``images`` (2N, 3, H, H) by ImageNet statistics, ``keypoints`` (2N, 21, 2) in pixels of the view,
    ``geometry`` how the views lie in their crops.
    """

    images: Tensor
    keypoints: Tensor
    geometry: Geometry


def draws_for(seed: int, epoch: int, positions: Int64Array) -> Float64Array:
    """Uniform numbers (2N, DRAWS) for both views of the N samples at ``positions`` of an epoch's order."""
    places, views = np.tile(positions, 2), np.repeat([1, 2], len(positions))
    return uniform_draws(seed, epoch, places[:, None], views[:, None], np.arange(DRAWS))


def augment(
    crops: Tensor, keypoints: Tensor, draws: Tensor, ranges: GeometryRanges, hue_turns: float, size_px: int
) -> Views:
    """The views of a batch of crops, on the device where the crops are.

    Args:
        crops: (M, S, S, 3) uint8 RGB.
        keypoints: (M, 21, 2) in [0, 1] of the crop.
        draws: (M, DRAWS) uniform numbers.
        ranges: what the geometric draws are scaled to.
        hue_turns: see :func:`jitter_colour`.
        size_px: side of the views.
    """
    in_crop = 2 * keypoints - 1
    geometry = place_views(in_crop, draws[:, :4], ranges)
    views = warp(crops.permute(0, 3, 1, 2).float().div_(255), geometry.view_to_crop, size_px)
    images = normalise(jitter_colour(views, draws[:, 4:], hue_turns))
    in_view = points_in_view(in_crop, geometry.view_to_crop)
    return Views(
        images.contiguous(memory_format=torch.channels_last), (in_view + 1) * (size_px / 2), geometry
    )

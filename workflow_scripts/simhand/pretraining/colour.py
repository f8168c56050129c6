"""Colour jitter of a batch of views: one 3 x 4 matrix per view, which normalises too."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

SATURATION_GAIN = (0.01, 1.0)
VALUE_GAIN = (0.5, 1.0)
VALUE_OFFSET = (5 / 255, 20 / 255)
"""Ranges of the released augmenter. Its hue gain of 0.01 to 1 has no equivalent as a rotation of hue."""

LUMA = (0.299, 0.587, 0.114)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


_STATISTICS = list(zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True))
LOWEST = tuple(-mean / deviation for mean, deviation in _STATISTICS)
HIGHEST = tuple((1 - mean) / deviation for mean, deviation in _STATISTICS)
"""Black and white by ImageNet's statistics: what leaves the colour range ends here."""


class Colour(NamedTuple):
    """What is done to the colours of M views: RGB in [0, 1] to ImageNet's statistics, before clipping.

    A colour becomes ``matrix`` (M, 3, 3) times it plus ``offset`` (M, 3).
    """

    matrix: Tensor
    offset: Tensor


def jitter(draws: Tensor, hue_turns: float) -> Colour:
    """Turn hue, reduce saturation, darken and lift.

    Args:
        draws: (M, 4) uniform numbers for hue, saturation, value gain and value offset.
        hue_turns: hue turns by up to this share of the circle, either way.
    """
    hue = _hue_rotation((2 * draws[:, 0] - 1) * hue_turns)
    saturation = _saturation(_within(SATURATION_GAIN, draws[:, 1]))
    matrix = _within(VALUE_GAIN, draws[:, 2])[:, None, None] * (saturation @ hue)
    return _by_statistics(matrix, _within(VALUE_OFFSET, draws[:, 3])[:, None].expand(-1, 3))


def unchanged(views: Tensor) -> Colour:
    """The colours of ``views`` (M, ...) as they are, on their device."""
    identity = torch.eye(3, device=views.device).expand(len(views), 3, 3)
    return _by_statistics(identity, identity.new_zeros(len(views), 3))


def apply_colour(images: Tensor, colour: Colour) -> Tensor:
    """Images (M, 3, H, W) in [0, 1] with changed colours, by ImageNet's statistics, clipped."""
    mixed = torch.baddbmm(colour.offset[:, :, None], colour.matrix, images.flatten(2)).view_as(images)
    lowest, highest = mixed.new_tensor(LOWEST), mixed.new_tensor(HIGHEST)
    return mixed.clamp_(lowest[:, None, None], highest[:, None, None])


def normalise(images: Tensor) -> Tensor:
    """Images (M, 3, H, W) in [0, 1] by ImageNet's mean and deviation."""
    mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
    deviation = images.new_tensor(IMAGENET_DEVIATION)[:, None, None]
    return (images - mean) / deviation


def _by_statistics(matrix: Tensor, offset: Tensor) -> Colour:
    mean, deviation = matrix.new_tensor(IMAGENET_MEAN), matrix.new_tensor(IMAGENET_DEVIATION)
    return Colour(matrix / deviation[:, None], (offset - mean) / deviation)


def _within(bounds: tuple[float, float], draw: Tensor) -> Tensor:
    return bounds[0] + draw * (bounds[1] - bounds[0])


def _hue_rotation(turns: Tensor) -> Tensor:
    """(M, 3, 3) rotations about the grey axis of RGB."""
    radians = (2 * math.pi * turns)[:, None, None]
    identity = torch.eye(3, dtype=turns.dtype, device=turns.device)
    grey = torch.full_like(identity, 1 / 3)
    across = turns.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return radians.cos() * (identity - grey) + grey + radians.sin() * across


def _saturation(gain: Tensor) -> Tensor:
    """(M, 3, 3) matrices that mix colour with its luma; a gain of 1 changes nothing."""
    identity = torch.eye(3, dtype=gain.dtype, device=gain.device)
    luma = gain.new_tensor(LUMA).expand(3, 3)
    return gain[:, None, None] * identity + (1 - gain)[:, None, None] * luma

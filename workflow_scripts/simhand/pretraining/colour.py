"""Colour jitter of a batch of views: one 3 x 4 matrix per view."""

import math

import torch
from torch import Tensor

SATURATION_GAIN = (0.01, 1.0)
VALUE_GAIN = (0.5, 1.0)
VALUE_OFFSET = (5 / 255, 20 / 255)
"""Ranges of the released augmenter. Its hue gain of 0.01 to 1 has no equivalent as a rotation of hue."""

LUMA = (0.299, 0.587, 0.114)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def jitter_colour(images: Tensor, draws: Tensor, hue_turns: float) -> Tensor:
    """Turn hue, reduce saturation, darken and lift images (M, 3, H, W) in [0, 1], and clip.

    Args:
        images: RGB.
        draws: (M, 4) uniform numbers for hue, saturation, value gain and value offset.
        hue_turns: hue turns by up to this share of the circle, either way.
    """
    hue = _hue_rotation((2 * draws[:, 0] - 1) * hue_turns)
    saturation = _saturation(_within(SATURATION_GAIN, draws[:, 1]))
    matrix = _within(VALUE_GAIN, draws[:, 2])[:, None, None] * (saturation @ hue)
    offset = _within(VALUE_OFFSET, draws[:, 3])[:, None, None]
    return torch.baddbmm(offset, matrix, images.flatten(2)).clamp_(0, 1).view_as(images)


def normalise(images: Tensor) -> Tensor:
    """Images (M, 3, H, W) in [0, 1] by ImageNet's mean and deviation."""
    mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
    deviation = images.new_tensor(IMAGENET_DEVIATION)[:, None, None]
    return (images - mean) / deviation


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

"""Colour: the jitter of training images as one affine map of RGB per image, and the input normalisation."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

RGB_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
"""Luma and two chroma axes (NTSC)."""


def draw_colour(rng: np.random.Generator, amount: float, hue: float) -> NDArray[np.float32]:
    """Brightness, contrast and saturation factors in 1 +/- ``amount`` and a hue turn in radians, as (4,)."""
    factors = rng.uniform(1 - amount, 1 + amount, 3)
    return np.append(factors, 2 * math.pi * rng.uniform(-hue, hue)).astype(np.float32)


def jitter_colour(images: Tensor, draws: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image, then clip to 0..1.

    In luma-chroma coordinates saturation scales the chroma plane and hue turns it, so with brightness b,
    contrast c, mean luma m and the map T of the chroma plane the result is c b T x + (1 - c) b m.

    Args:
        images: (B, 3, H, W) in 0..1.
        draws: (B, 4) of :func:`draw_colour`.
    """
    brightness, contrast, saturation, hue = draws.to(images.dtype).unbind(dim=1)
    to_yiq = torch.tensor(RGB_TO_YIQ, device=images.device, dtype=images.dtype)
    chroma = torch.zeros(len(images), 3, 3, device=images.device, dtype=images.dtype)
    chroma[:, 0, 0] = 1
    chroma[:, 1, 1] = chroma[:, 2, 2] = saturation * torch.cos(hue)
    chroma[:, 2, 1] = saturation * torch.sin(hue)
    chroma[:, 1, 2] = -chroma[:, 2, 1]
    matrix = (contrast * brightness)[:, None, None] * (torch.linalg.inv(to_yiq) @ chroma @ to_yiq)
    mean_luma = torch.einsum("c,bchw->b", to_yiq[0], images) / (images.shape[2] * images.shape[3])
    offset = ((1 - contrast) * brightness * mean_luma)[:, None, None, None]
    return (torch.einsum("bij,bjhw->bihw", matrix, images) + offset).clamp(0, 1)


def normalise(images: Tensor, statistics: str) -> Tensor:
    """Images in 0..1 as the network takes them: by ImageNet statistics, or ``centred`` (minus 0.5)."""
    if statistics == "centred":
        return images - 0.5
    mean = torch.tensor(IMAGENET_MEAN, device=images.device, dtype=images.dtype)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=images.device, dtype=images.dtype)[:, None, None]
    return (images - mean) / std

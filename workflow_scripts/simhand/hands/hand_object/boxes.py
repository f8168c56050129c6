"""Boxes x1, y1, x2, y2 whose last pixel belongs to them, so that a width is x2 - x1 + 1."""

import torch
import torchvision
from torch import Tensor


def decode(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move and stretch ``boxes`` (n, 4) by ``offsets`` (n, ..., 4) as the network was trained to.

    The shift is a share of the box's size, the stretch a logarithm. The far corner lies one pixel
    further than the inclusive convention asks for, as in lib/model/rpn/bbox_transform.py.
    """
    per_box = (len(boxes), *[1] * (offsets.dim() - 2), 2)
    size = boxes[:, 2:] - boxes[:, :2] + 1
    centre = (boxes[:, :2] + 0.5 * size).view(per_box)
    size = size.view(per_box)
    centre = offsets[..., :2] * size + centre
    size = torch.exp(offsets[..., 2:]) * size
    return torch.cat([centre - 0.5 * size, centre + 0.5 * size], dim=-1)


def clip(boxes: Tensor, width: int, height: int) -> Tensor:
    """``boxes`` (..., 4) cut at the borders of an image of ``width`` by ``height`` pixels."""
    x = boxes[..., 0::2].clamp(0, width - 1)
    y = boxes[..., 1::2].clamp(0, height - 1)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], dim=-1)


def suppress(boxes: Tensor, scores: Tensor, max_overlap: float) -> Tensor:
    """Indices of the ``boxes`` (n, 4) that overlap no better one by more than ``max_overlap``, best first.

    The published kernel (lib/model/csrc/cuda/nms.cu) counts the last pixel, torchvision's does not; one
    pixel more to the right and the bottom makes them the same.
    """
    return torchvision.ops.nms(boxes + boxes.new_tensor([0, 0, 1, 1]), scores, max_overlap)

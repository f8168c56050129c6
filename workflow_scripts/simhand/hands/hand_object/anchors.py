"""Anchors of the region proposal network: the boxes that it moves onto objects."""

import math

import torch
from torch import Tensor

STRIDE_PX = 16
"""Pixels of the input per cell of the feature map (``FEAT_STRIDE``, lib/model/utils/config.py)."""

RATIOS = (0.5, 1.0, 2.0)
"""Height over width (``ANCHOR_RATIOS``)."""

SCALES = (8, 16, 32, 64)
"""Side of the square anchors in cells (``ANCHOR_SCALES``)."""


def cell_anchors() -> Tensor:
    """The (12, 4) anchors of the first cell: ratio by ratio, scale by scale.

    As in lib/model/rpn/generate_anchors.py, a ratio keeps the area of the cell as far as rounding to whole
    pixels lets it; only then is it scaled.
    """
    centre = (STRIDE_PX - 1) / 2
    anchors = []
    for ratio in RATIOS:
        width = round(math.sqrt(STRIDE_PX**2 / ratio))
        height = round(width * ratio)
        for scale in SCALES:
            half_width, half_height = (width * scale - 1) / 2, (height * scale - 1) / 2
            corners = (-half_width, -half_height, half_width, half_height)
            anchors.append([centre + corner for corner in corners])
    return torch.tensor(anchors)


def anchors_of(rows: int, columns: int) -> Tensor:
    """The (rows * columns * 12, 4) anchors of a feature map: row by row, cell by cell, anchor by anchor."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    shifts = STRIDE_PX * torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
    return (cell_anchors() + shifts).reshape(-1, 4)

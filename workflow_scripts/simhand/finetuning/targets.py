"""Training targets of DetNet: heat maps and the vectors that its delta and location maps hold."""

from typing import NamedTuple

import torch
from torch import Tensor

PARENTS = (0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)
ROOT, MIDDLE_BASE = 0, 9
"""The root joint (wrist), and the joint whose distance from it is the unit of length."""

WINDOW_BEFORE, WINDOW_AFTER = 3, 4
REACH_SIGMAS = 3.0


class HeatTargets(NamedTuple):
    """``maps`` (B, 21, size, size), peak 1; ``veil`` (B, 21), 0 where a joint takes no part in the loss."""

    maps: Tensor
    veil: Tensor


def exact_heat_maps(crop_xy: Tensor, size: int, stride: int, sigma: float) -> HeatTargets:
    """Gaussians centred on the joints themselves, wherever in a cell they fall.

    A pixel coordinate counts from the image's corner, so the centre of cell ``i`` lies at ``i + 0.5``. A
    joint farther than three sigma outside the map is veiled.

    Args:
        crop_xy: (B, 21, 2) joints in pixels of the network input.
        size: cells per side.
        stride: pixels per cell.
        sigma: width in cells.
    """
    cells = crop_xy / stride
    centres = torch.arange(size, device=cells.device, dtype=cells.dtype) + 0.5
    along = torch.exp(-((centres - cells[..., None]) ** 2) / (2 * sigma**2))
    reach = REACH_SIGMAS * sigma
    veil = ((cells > -reach) & (cells < size + reach)).all(dim=-1)
    return HeatTargets(along[..., 1, :, None] * along[..., 0, None, :], veil.to(cells.dtype))


def truncated_heat_maps(crop_xy: Tensor, size: int, stride: int, sigma: float) -> HeatTargets:
    """The released targets: joints cut to whole pixels and again to whole cells, Gaussians to 7 x 7.

    Reproduces the release's off-by-one: a joint at cell -4 has an empty map and still counts.
    """
    cells = truncated_cells(crop_xy, stride)
    offsets = torch.arange(size, device=cells.device, dtype=cells.dtype) - cells[..., None]
    along = torch.exp(-(offsets**2) / (2 * sigma**2)) * (offsets.abs() <= WINDOW_BEFORE)
    veil = ((cells - WINDOW_BEFORE < size) & (cells + WINDOW_AFTER >= 0)).all(dim=-1)
    return HeatTargets(along[..., 1, :, None] * along[..., 0, None, :], veil.to(cells.dtype))


def truncated_cells(crop_xy: Tensor, stride: int) -> Tensor:
    """The released heat-map cell (x, y) of each joint: truncated to pixels, then to cells."""
    return torch.trunc(torch.trunc(crop_xy) / stride)


def location_vectors(joints: Tensor) -> Tensor:
    """Joints (B, 21, 3) relative to the wrist in lengths of bone 0-9; zero where that bone has no length."""
    relative = joints - joints[:, ROOT : ROOT + 1]
    length = torch.linalg.vector_norm(relative[:, MIDDLE_BASE], dim=-1)[:, None, None]
    return torch.where(length > 0, relative / length, torch.zeros_like(relative))


def delta_vectors(joints: Tensor) -> Tensor:
    """Unit vectors (B, 21, 3) from each joint's parent to it; zero for the root and bones without length."""
    bones = joints - joints[:, list(PARENTS)]
    length = torch.linalg.vector_norm(bones, dim=-1, keepdim=True)
    return torch.where(length > 0, bones / length, torch.zeros_like(bones))

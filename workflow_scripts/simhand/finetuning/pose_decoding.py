"""Decoding of poses: from maps to joints, and from root-relative joints to metres in the camera frame."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simhand.finetuning.detnet import STRIDE, Maps
from simhand.finetuning.targets import MIDDLE_BASE, ROOT

Array = NDArray[np.float64]

MIDDLE_SECOND = 10
"""FreiHAND's scale is the length of the bone from joint 9 to joint 10."""

DEPTH_RANGE_M = (0.05, 10.0)
ROOT_STEPS = 10


class DecodedMaps(NamedTuple):
    """What the maps say at their heat maxima.

    ``crop_xy`` (B, 21, 2) in pixels of the network input; ``location`` (B, 21, 3).
    """

    crop_xy: Tensor
    location: Tensor


def decode_maps(maps: Maps, below_cell: bool) -> DecodedMaps:
    """Read every joint at the maximum of its heat map.

    Args:
        maps: predicted maps.
        below_cell: refine the 2D position within the cell; otherwise it is the centre of the cell.
    """
    heat = maps.heat
    size = heat.shape[-1]
    peak = heat.flatten(2).argmax(dim=2)
    row, column = peak // size, peak % size
    cells = torch.stack([column, row], dim=-1).to(heat.dtype)
    if below_cell:
        cells = cells + torch.stack(
            [_peak_offset(heat, row, column, 1), _peak_offset(heat, row, column, 0)], dim=-1
        )
    index = peak[:, :, None, None].expand(-1, -1, 3, 1)
    location = maps.location.flatten(3).gather(3, index)[..., 0]
    return DecodedMaps((cells + 0.5) * STRIDE, location)


def _peak_offset(heat: Tensor, row: Tensor, column: Tensor, axis: int) -> Tensor:
    """Where the peak lies within its cell along ``axis`` (0 = y, 1 = x), in -0.5..0.5 of a cell.

    The logarithm of a Gaussian is a parabola, so three cells give its top exactly. 0 at the border.
    """
    size = heat.shape[-1]
    here = (row, column)[axis]
    inside = (here > 0) & (here < size - 1)
    values = []
    for step in (-1, 0, 1):
        moved = (here + step).clamp(0, size - 1)
        position = moved * size + column if axis == 0 else row * size + moved
        values.append(heat.flatten(2).gather(2, position[..., None])[..., 0].clamp_min(1e-9).log())
    before, peak, after = values
    curvature = 2 * peak - before - after
    offset = torch.where(curvature > 0, (after - before) / (2 * curvature.clamp_min(1e-9)), 0.0)
    return torch.where(inside, offset.clamp(-0.5, 0.5), 0.0)


def to_image(affine: Array, crop_xy: Array) -> Array:
    """Points (N, 21, 2) of crops back to the original images through the inverse of ``affine`` (N, 3, 3)."""
    inverse = np.linalg.inv(affine)
    return crop_xy @ np.swapaxes(inverse[:, :2, :2], 1, 2) + inverse[:, None, :2, 2]


def metric_pose(location: Array, bone_9_10_m: Array, bone_0_9_m: float) -> Array:
    """Wrist-relative joints (N, 21, 3) in metres from predicted locations in lengths of bone 0-9.

    Args:
        location: (N, 21, 3).
        bone_9_10_m: (N,) true length of bone 9-10 where the data set gives it to competitors, else NaN.
        bone_0_9_m: length of bone 0-9 to assume where it does not.
    """
    relative = location - location[:, ROOT : ROOT + 1]
    predicted = np.linalg.norm(relative[:, MIDDLE_SECOND] - relative[:, MIDDLE_BASE], axis=-1)
    given = np.isfinite(bone_9_10_m) & (predicted > 0)
    scale = np.full(len(location), bone_0_9_m)
    scale[given] = bone_9_10_m[given] / predicted[given]
    return relative * scale[:, None, None]


def solve_root_translation(points_2d: Array, relative: Array, intrinsics: Array) -> Array:
    """The root position that lets root-relative poses project closest to 2D points, by least squares.

    With (x, y, 1) = K^-1 (u, v, 1) a joint lies at x = (s X + a) / (s Z + 1) for the root (a, b, 1) / s.
    Gauss-Newton over (s, a, b) from the weak-perspective solution; exact for exact data. The linear form
    of the problem weighs errors with the depth and so pulls noisy predictions towards the camera.

    Args:
        points_2d: (N, 21, 2) pixels.
        relative: (N, 21, 3) joints relative to the root, metres.
        intrinsics: (N, 3, 3).

    Returns:
        (N, 3) root in the camera frame, metres; between 5 cm and 10 m away with all joints in front of the
        camera, also where the points do not determine it.
    """
    homogeneous = np.concatenate([points_2d, np.ones_like(points_2d[..., :1])], axis=-1)
    rays = (homogeneous @ np.swapaxes(np.linalg.inv(intrinsics), 1, 2))[..., :2]
    across, depth = relative[..., :2], relative[..., 2:]
    nearest = np.maximum(DEPTH_RANGE_M[0], -1.1 * depth.min(axis=(1, 2)))
    spread = across - across.mean(axis=1, keepdims=True)
    scale = (spread * rays).sum(axis=(1, 2)) / np.maximum(spread**2, 1e-12).sum(axis=(1, 2))
    scale = np.clip(scale, 1 / DEPTH_RANGE_M[1], 1 / nearest)
    offset = rays.mean(axis=1) - scale[:, None] * across.mean(axis=1)
    for _ in range(ROOT_STEPS):
        below = 1 + scale[:, None, None] * depth
        projected = (scale[:, None, None] * across + offset[:, None]) / below
        jacobian = np.zeros((*rays.shape, 3))
        jacobian[..., 0] = (across - projected * depth) / below
        jacobian[..., 0, 1] = jacobian[..., 1, 2] = 1 / below[..., 0]
        jacobian = jacobian.reshape(len(rays), -1, 3)
        transposed = np.swapaxes(jacobian, 1, 2)
        residual = (rays - projected).reshape(len(rays), -1, 1)
        step = np.linalg.solve(transposed @ jacobian + 1e-12 * np.eye(3), transposed @ residual)[..., 0]
        scale = np.clip(scale + step[:, 0], 1 / DEPTH_RANGE_M[1], 1 / nearest)
        offset = offset + step[:, 1:]
    return np.concatenate([offset, np.ones_like(offset[:, :1])], axis=1) / scale[:, None]


def root_relative_errors_mm(prediction: Array, truth: Array, visible: NDArray[np.bool_]) -> Array:
    """Mean joint error (N,) after moving the wrist onto the true one and scaling by the true bone 0-9.

    Over the joints that are ``visible`` (N, 21); NaN for hands whose wrist or joint 9 is not.
    """
    ours, theirs = (joints - joints[:, ROOT : ROOT + 1] for joints in (prediction, truth))
    length = np.linalg.norm(ours[:, MIDDLE_BASE], axis=-1)
    scale = np.linalg.norm(theirs[:, MIDDLE_BASE], axis=-1) / np.maximum(length, np.finfo(float).tiny)
    errors = np.linalg.norm(ours * scale[:, None, None] - theirs, axis=-1)
    measured = visible & (visible[:, ROOT] & visible[:, MIDDLE_BASE])[:, None]
    counts = measured.sum(axis=-1)
    sums = np.where(measured, errors, 0).sum(axis=-1)
    return np.where(counts > 0, 1000 * sums / np.maximum(counts, 1), np.nan)

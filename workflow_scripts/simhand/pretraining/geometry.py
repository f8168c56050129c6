"""The geometry of augmented views: drawn, applied to images as one warp, and carried over to keypoints.

Everything lives in one frame, x and y from -1 to 1 over an image (grid_sample's, with pixel areas
rather than pixel centres at the border), so that no size enters any formula.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simhand.settings.pretrain import PretrainSettings

FIXED_MARGIN = 1.25
"""Margin of a view where scale is not augmented (release)."""

SMALLEST_HAND = 0.02
"""Joints that fall on one point still get a view, as if the farthest were this far from their centre."""


class Geometry(NamedTuple):
    """How M views lie in their crops.

    ``view_to_crop`` (M, 2, 3) takes a point of the view to the crop. ``angle_degrees`` (M,) is the
    rotation (counter-clockwise on screen) and ``shift`` (M, 2) the release's jitter, the shift of the
    content as a share of the image; only the released alignment reads these two.
    """

    view_to_crop: Tensor
    angle_degrees: Tensor
    shift: Tensor


class GeometryRanges(NamedTuple):
    """What a method's views may do: rotation, margin around the joints, shift."""

    rotation_degrees: float
    margin_min: float
    margin_max: float
    translation: float


def geometry_ranges(
    settings: PretrainSettings, *, rotation: bool, scale: bool, translation: bool
) -> GeometryRanges:
    """The ranges of ``settings`` for the augmentations that a method uses, nothing for the others."""
    return GeometryRanges(
        rotation_degrees=settings.rotation_degrees if rotation else 0.0,
        margin_min=settings.margin_min if scale else FIXED_MARGIN,
        margin_max=settings.margin_max if scale else FIXED_MARGIN,
        translation=settings.translation if translation else 0.0,
    )


def place_views(keypoints: Tensor, draws: Tensor, ranges: GeometryRanges) -> Geometry:
    """Place a view in every crop: turned about the joints' centre, a margin around them, shifted.

    The released augmenter turns the crop, then cuts a window of half side max |joint - centre| times
    margin; this is the same as one affine map, without its truncations and one-sided shifts.

    Args:
        keypoints: (M, 21, 2) in the crop, [-1, 1].
        draws: (M, 4) uniform numbers for rotation, margin, shift in x and in y.
        ranges: what the draws are scaled to.
    """
    centre = keypoints.mean(dim=1)
    farthest = (keypoints - centre[:, None]).norm(dim=2).amax(dim=1).clamp_min(SMALLEST_HAND)
    signed = 2 * draws - 1
    angle = signed[:, 0] * ranges.rotation_degrees
    margin = ranges.margin_min + draws[:, 1] * (ranges.margin_max - ranges.margin_min)
    shift = signed[:, 2:4] * ranges.translation
    back = _rotation(angle)
    linear = back * (farthest * margin)[:, None, None]
    offset = centre + (back @ (2 * shift)[:, :, None]).squeeze(2)
    return Geometry(torch.cat([linear, offset[:, :, None]], dim=2), angle, -shift)


def transform_points(matrix: Tensor, points: Tensor) -> Tensor:
    """Affine maps (M, 2, 3) applied to points (M, P, 2)."""
    return points @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]


def points_in_view(points: Tensor, view_to_crop: Tensor) -> Tensor:
    """Where points (M, P, 2) of the crops lie in their views."""
    linear, offset = view_to_crop[:, :, :2], view_to_crop[:, :, 2]
    return torch.linalg.solve(linear, (points - offset[:, None]).transpose(1, 2)).transpose(1, 2)


def warp(images: Tensor, view_to_crop: Tensor, size_px: int) -> Tensor:
    """Views (M, C, size_px, size_px) of float images (M, C, H, W): one bilinear sampling, black outside."""
    grid = F.affine_grid(view_to_crop, [len(images), 1, size_px, size_px], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _rotation(angle_degrees: Tensor) -> Tensor:
    """(M, 2, 2) matrices that turn clockwise on screen, undoing a counter-clockwise rotation."""
    radians = angle_degrees * (math.pi / 180)
    cos, sin = radians.cos(), radians.sin()
    return torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)

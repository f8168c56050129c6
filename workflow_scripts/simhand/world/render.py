"""Pictures of hands: traced, shaded and laid over a background."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simhand.world.anatomy import Person
from simhand.world.kinematics import Skeleton
from simhand.world.shading import Lighting, shade
from simhand.world.surface import hand_capsules
from simhand.world.tracing import TILE_PX, trace


@dataclass(frozen=True)
class Layers:
    """Hands without a background: rgb (N, H, W, 3) sRGB, coverage (N, H, W), depth_m (N, H, W)."""

    rgb: Tensor
    coverage: Tensor
    depth_m: Tensor


def render_hands(
    skeleton: Skeleton,
    people: list[Person],
    lights: list[Lighting],
    focal_px: Tensor,
    centre_px: Tensor,
    width_px: int,
    height_px: int,
    device: str = "cpu",
) -> Layers:
    """Render N hands, each alone in its own picture, from the camera at the origin.

    skeleton: N hands in the camera frame (x right, y down, z forward), metres.
    focal_px: (N,); centre_px: (N, 2).
    """
    capsules = hand_capsules(skeleton, people).to(device)
    focal_px, centre_px = focal_px.to(device), centre_px.to(device)
    count = len(people)
    high, wide = -(-height_px // TILE_PX), -(-width_px // TILE_PX)
    shape = (count, high * TILE_PX, wide * TILE_PX)
    rgb = torch.zeros(*shape, 3, device=device)
    coverage = torch.zeros(shape, device=device)
    depth = torch.full(shape, torch.inf, device=device)
    for hits in trace(capsules, focal_px, centre_px, width_px, height_px):
        colour = shade(hits, capsules, people, lights).clamp(0, None)
        # a soft shoulder keeps highlights from clipping; then the display curve
        colour = (colour / (1 + 0.28 * colour) * 1.18).clamp(1e-6, 1) ** (1 / 2.2)
        where = (hits.owner, hits.corner[:, 1] // TILE_PX, hits.corner[:, 0] // TILE_PX)
        _tiles(rgb, high, wide)[where] = colour.unflatten(1, (TILE_PX, TILE_PX))
        _tiles(coverage[..., None], high, wide)[where] = hits.coverage.unflatten(1, (TILE_PX, TILE_PX))[
            ..., None
        ]
        _tiles(depth[..., None], high, wide)[where] = hits.point[..., 2:].unflatten(1, (TILE_PX, TILE_PX))
    depth[coverage == 0] = torch.inf
    return Layers(
        rgb[:, :height_px, :width_px], coverage[:, :height_px, :width_px], depth[:, :height_px, :width_px]
    )


def _tiles(image: Tensor, high: int, wide: int) -> Tensor:
    """``image`` (N, H, W, C) as (N, rows, columns, 4, 4, C), sharing its memory."""
    return image.view(len(image), high, TILE_PX, wide, TILE_PX, -1).transpose(2, 3)


def composite(layers: Layers, hands: list[int], background: Tensor, shadow: float = 0.0) -> Tensor:
    """Lay ``hands`` of ``layers`` over ``background`` (H, W, 3) sRGB, the farthest first.

    ``shadow`` darkens the background beside the hands, as on a near wall or table.
    """
    image = background.clone()
    if shadow > 0 and hands:
        image = image * (1 - shadow * _soft_shadow(layers.coverage[hands].amax(0)))[..., None]
    nearest = [float(layers.depth_m[hand].min()) for hand in hands]
    for hand in [hands[i] for i in sorted(range(len(hands)), key=lambda i: -nearest[i])]:
        rows, columns = _box(layers.coverage[hand])
        part = image[rows, columns]
        part += layers.coverage[hand, rows, columns, None] * (layers.rgb[hand, rows, columns] - part)
    return image


def _box(coverage: Tensor) -> tuple[slice, slice]:
    """Rows and columns that hold all of the hand."""
    slices = []
    for axis in (1, 0):
        hit = torch.nonzero((coverage > 0).any(axis))[:, 0].tolist() or [0]
        slices.append(slice(hit[0], hit[-1] + 1))
    return slices[0], slices[1]


def _soft_shadow(coverage: Tensor) -> Tensor:
    height, width = coverage.shape
    small = torch.nn.functional.avg_pool2d(coverage[None, None], 8, ceil_mode=True)
    for _ in range(2):
        small = torch.nn.functional.avg_pool2d(small, 5, 1, 2)
    small = torch.nn.functional.pad(small, (3, 0, 2, 0))[..., : small.shape[-2], : small.shape[-1]]
    return torch.nn.functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)[
        0, 0
    ]

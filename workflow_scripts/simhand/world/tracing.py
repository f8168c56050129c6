"""Sphere tracing of smoothly blended capsules, in tiles of 4 x 4 pixels that look at few capsules each.

A ray's squared distance to a capsule's axis is a polynomial in the depth along the ray, so a step of
the march costs a dozen element-wise operations per ray and capsule. Everything is exact for the
capsules a tile keeps; those it drops lie too far from its rays to be felt by the blend.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simhand.world.surface import FINGER_BLEND_M, PALM_BLEND_M, Capsules

TILE_PX = 4
_BLOCK_PX = 16
_CONE_STEPS = 6
_STEPS = 44
_NEAR_M = 0.06
# numbers per array of rays times capsules: what a processor's cache holds, what fills a GPU
_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 25}
_KEEP_COUNTS = (6, 12, 24)  # of the rare tiles that feel more, the nearest count
_FELT_M = torch.tensor([0.006, 0.016])  # beyond this a capsule of fingers, of the palm, is not felt


@dataclass(frozen=True)
class Hits:
    """What the rays of T tiles of P = 16 pixels found. Metres, camera frame.

    owner: (T,) hand of each tile; corner: (T, 2) x and y of its first pixel; keep: (T, k) capsules.
    point: (T, P, 3); coverage: (T, P) in [0, 1]; weights: (T, P, k), each capsule's share in the
    surface; normal: (T, P, 3).
    """

    owner: Tensor
    corner: Tensor
    keep: Tensor
    point: Tensor
    coverage: Tensor
    weights: Tensor
    normal: Tensor


def trace(
    capsules: Capsules, focal_px: Tensor, centre_px: Tensor, width_px: int, height_px: int
) -> list[Hits]:
    """Trace N hands seen by N pinhole cameras at the origin looking along z.

    focal_px: (N,); centre_px: (N, 2). Pixel centres lie at integer coordinates plus one half.
    Returns hits in groups of tiles that keep equally many capsules.
    """
    tiles = [
        _tiles_of_hand(capsules, hand, float(focal_px[hand]), centre_px[hand], width_px, height_px)
        for hand in range(len(focal_px))
    ]
    owner = torch.cat(
        [torch.full((len(t[0]),), hand, device=focal_px.device) for hand, t in enumerate(tiles)]
    )
    corner, order, felt, near, far = (torch.cat(column) for column in zip(*tiles, strict=True))
    hits = []
    fewest = 0
    for keep in _KEEP_COUNTS:
        chosen = torch.nonzero((felt > fewest) & ((felt <= keep) | (keep == _KEEP_COUNTS[-1])))[:, 0]
        fewest = keep
        for part in chosen.split(_AT_ONCE[focal_px.device.type] // (keep * TILE_PX**2)):
            group = (owner[part], corner[part], order[part, :keep], near[part], far[part])
            hits.append(_march(capsules, focal_px, centre_px, *group))
    return hits


def _tiles_of_hand(
    capsules: Capsules, hand: int, focal_px: float, centre_px: Tensor, width_px: int, height_px: int
) -> tuple[Tensor, ...]:
    """Tiles that the hand may touch: corner, capsules by closeness, how many are felt, depth range."""
    device = capsules.start.device
    blocks = _grid(torch.zeros(1, 2, dtype=torch.long, device=device), (width_px, height_px), _BLOCK_PX)
    touched = _look(capsules, hand, focal_px, centre_px, blocks, _BLOCK_PX)[0]
    corner = _grid(blocks[touched], (_BLOCK_PX, _BLOCK_PX), TILE_PX)
    corner = corner[(corner < torch.tensor([width_px, height_px], device=device)).all(-1)]
    touched, *rest = _look(capsules, hand, focal_px, centre_px, corner, TILE_PX)
    return tuple(column[touched] for column in (corner, *rest))


def _grid(corner: Tensor, size_px: tuple[int, int], step_px: int) -> Tensor:
    """Corners (M, 2) of squares of ``step_px`` that tile the rectangles of ``size_px`` at ``corner``."""
    columns = torch.arange(0, size_px[0], step_px, device=corner.device)
    rows = torch.arange(0, size_px[1], step_px, device=corner.device)
    rows, columns = torch.meshgrid(rows, columns, indexing="ij")
    return (corner[:, None] + torch.stack([columns, rows], -1).reshape(-1, 2)).reshape(-1, 2)


def _look(
    capsules: Capsules, hand: int, focal_px: float, centre_px: Tensor, corner: Tensor, size_px: int
) -> tuple[Tensor, ...]:
    """What squares of ``size_px`` at ``corner`` (M, 2) look at.

    Returns whether a square may see the hand (M,); its capsules, closest first (M, K), and how many of
    them are felt (M,); and the depth range where it may see the hand (M,), (M,).
    """
    start, axis = capsules.start[hand], capsules.axis[hand]
    radius = capsules.radius[hand].amax(-1)[:, None]
    middle = (corner + size_px / 2 - centre_px) / focal_px
    ray = torch.nn.functional.normalize(torch.cat([middle, torch.ones_like(middle[:, :1])], -1), dim=-1).T

    # closest approach of the middle ray (as a line from the camera) to each capsule's axis, (K, M)
    start_along, axis_along = start @ ray, axis @ ray
    start_axis = (start * axis).sum(-1)[:, None] - start_along * axis_along
    axis_axis = ((axis * axis).sum(-1)[:, None] - axis_along.square()).clamp_min_(1e-10)
    start_start = (start * start).sum(-1)[:, None] - start_along.square()
    best = (start_axis / axis_axis).neg_().clamp_(0, 1)
    squared = (start_start + best * (2 * start_axis + best * axis_axis)).clamp_min_(0)
    distance = squared.sqrt()
    square_radius = (start_along + best * axis_along).clamp_min_(0) * (0.75 * size_px / focal_px)
    reach = radius + _FELT_M.to(start.device)[capsules.palm.long()][:, None] + square_radius
    felt = distance < reach

    # the stretch of each felt capsule that lies within reach of the ray bounds where it can be hit
    half = ((reach.square() - squared).clamp_min_(0) / axis_axis).sqrt_()
    depth_a = start_along + (best - half).clamp_(0, 1) * axis_along
    depth_b = start_along + (best + half).clamp_(0, 1) * axis_along
    near = torch.where(felt, torch.minimum(depth_a, depth_b) - reach, torch.inf).amin(0).clamp_min(_NEAR_M)
    far = torch.where(felt, torch.maximum(depth_a, depth_b) + reach, -torch.inf).amax(0)
    touched = ((distance < radius + 0.004 + square_radius).any(0)) & (far > near)
    order = torch.where(felt, distance - reach, distance + 10).T.argsort(-1)
    return touched, order, felt.sum(0), near, far


def _march(
    capsules: Capsules,
    focal_px: Tensor,
    centre_px: Tensor,
    owner: Tensor,
    corner: Tensor,
    keep: Tensor,
    near: Tensor,
    far: Tensor,
) -> Hits:
    device = owner.device
    inner = torch.arange(TILE_PX, device=device) + 0.5
    offset_y, offset_x = torch.meshgrid(inner, inner, indexing="ij")
    offset = torch.stack([offset_x.reshape(-1), offset_y.reshape(-1)], -1)
    pixel = corner[:, None] + offset
    plane = (pixel - centre_px[owner][:, None]) / focal_px[owner][:, None, None]
    ray = torch.cat([plane, torch.ones_like(plane[..., :1])], -1)
    ray = ray / ray.norm(dim=-1, keepdim=True)
    pixel_m = 1.0 / focal_px[owner]
    near, alive = _cone_march(capsules, owner, keep, ray, near, far, pixel_m)
    owner, corner, keep, near, far, ray, pixel_m = (
        column[alive] for column in (owner, corner, keep, near, far, ray, pixel_m)
    )
    field = _TileField(capsules, owner, keep, ray)

    depth = near.expand(ray.shape[1], -1).clone()
    found_depth, found_gap = depth.clone(), torch.full_like(depth, torch.inf)
    active = torch.arange(len(owner), device=device)
    part, part_far, part_pixel = field, far, pixel_m
    t, best_t, best_gap = depth, found_depth, found_gap
    for step in range(_STEPS):
        gap = part.distance(t)
        relative = gap / (t * part_pixel)
        best_t = torch.where(relative < best_gap, t, best_t)
        best_gap = torch.minimum(best_gap, relative)
        going = (relative > 0.25) & (t < part_far)
        # at least a pixel's width forward, or rays that graze an edge would creep along it for ever
        t = torch.where(going, t + torch.maximum(gap, t * part_pixel), t)
        if step % 3 == 2 or step == _STEPS - 1:
            found_depth[:, active], found_gap[:, active] = best_t, best_gap
            still = torch.nonzero(going.any(0))[:, 0]
            if not len(still):
                break
            if len(still) < 0.7 * len(active):
                active, part, part_far, part_pixel = (
                    active[still],
                    part.only(still),
                    part_far[still],
                    part_pixel[still],
                )
                t, best_t, best_gap = t[:, still], best_t[:, still], best_gap[:, still]
    coverage = (1.25 - found_gap).clamp(0, 1)
    seen = torch.nonzero((coverage > 0).any(0))[:, 0]
    field, found_depth, ray = field.only(seen), found_depth[:, seen], ray[seen]
    weights, normal = field.shares(found_depth, ray)
    point = found_depth.T[..., None] * ray
    return Hits(owner[seen], corner[seen], keep[seen], point, coverage[:, seen].T, weights, normal)


def _cone_march(
    capsules: Capsules, owner: Tensor, keep: Tensor, ray: Tensor, near: Tensor, far: Tensor, pixel_m: Tensor
) -> tuple[Tensor, Tensor]:
    """Advance whole tiles as cones until they come near the surface: depth (T,), and which do (T,)."""
    middle = torch.nn.functional.normalize(ray.mean(1, keepdim=True), dim=-1)
    field = _TileField(capsules, owner, keep, middle)
    # the cone holds all of the tile's rays and one pixel around them
    slope = pixel_m * (0.75 * TILE_PX + 1.2)
    depth = near
    for _ in range(_CONE_STEPS):
        gap = field.distance(depth[None])[0] - slope * depth
        depth = torch.where((gap > 0) & (depth < far), depth + gap / (1 + slope), depth)
    return depth, depth < far


class _TileField:
    """Distance to the k capsules of each of T tiles as a function of depth along its P rays.

    Arrays are (k, P, T): the long axis last, so that operations that broadcast over tiles' constants
    run along memory.
    """

    def __init__(self, capsules: Capsules, owner: Tensor, keep: Tensor, ray: Tensor) -> None:
        rows = owner[:, None]
        start, axis, radius = (
            capsules.start[rows, keep],
            capsules.axis[rows, keep],
            capsules.radius[rows, keep],
        )
        squared_length = (axis * axis).sum(-1).clamp_min(1e-12)
        palm = capsules.palm[keep]
        self.start, self.axis = start.permute(2, 1, 0), axis.permute(2, 1, 0)
        self.along_ray = _tiles_last(torch.bmm(ray, (axis / squared_length[..., None]).mT))
        self.along_base = _tiles_last((-(start * axis).sum(-1) / squared_length)[:, None])
        self.twice_start_ray = _tiles_last(-2 * torch.bmm(ray, start.mT))
        self.start_start = _tiles_last((start * start).sum(-1)[:, None])
        self.squared_length = _tiles_last(squared_length[:, None])
        self.radius = _tiles_last(radius[:, None, :, 0])
        self.taper = _tiles_last((radius[..., 1] - radius[..., 0])[:, None])
        self.inverse_blend = _tiles_last((palm / PALM_BLEND_M + (1 - palm) / FINGER_BLEND_M)[:, None])
        self.palm = _tiles_last(palm[:, None])

    def only(self, tiles: Tensor) -> "_TileField":
        """The field of some tiles."""
        part = object.__new__(_TileField)
        for name, value in vars(self).items():
            setattr(part, name, value.index_select(-1, tiles))
        return part

    def _terms(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Place along the axis, distance to the axis, and exp(-distance / blend), each (k, P, T)."""
        along = torch.addcmul(self.along_base, t, self.along_ray)
        squared = (self.twice_start_ray + t).mul_(t).add_(self.start_start)
        place = along.clamp(0, 1)
        squared = squared.addcmul_(along.mul_(2).sub_(place).mul_(place), self.squared_length, value=-1)
        distance = squared.clamp_min_(1e-10).sqrt_()
        gap = distance - torch.addcmul(self.radius, place, self.taper)
        # beyond 60 blends nothing is felt, and exponentials would be slow denormal numbers
        return place, distance, gap.mul_(self.inverse_blend).clamp_max_(60).neg_().exp_()

    def distance(self, t: Tensor) -> Tensor:
        """Blended distance (P, T) at depth ``t`` (P, T)."""
        closeness = self._terms(t)[2]
        palm = (closeness * self.palm).sum(0)
        fingers = closeness.mul_(1 - self.palm).sum(0)
        return -FINGER_BLEND_M * _joined(fingers, palm).log()

    def shares(self, t: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
        """Each capsule's share in the surface (T, P, k), and the unit normal (T, P, 3)."""
        place, distance, closeness = self._terms(t)
        palm = (closeness * self.palm).sum(0)
        total = _joined((closeness * (1 - self.palm)).sum(0), palm)
        weights = closeness * (self.palm * (palm.square() * palm / total) + (1 - self.palm) / total)
        pull = weights / distance
        slide = pull * place
        outward = [
            t * pull.sum(0) * ray[..., axis].T
            - (pull * self.start[axis][:, None]).sum(0)
            - (slide * self.axis[axis][:, None]).sum(0)
            for axis in range(3)
        ]
        normal = torch.nn.functional.normalize(torch.stack(outward, -1), dim=-1)
        return weights.permute(2, 1, 0).contiguous(), normal.transpose(0, 1).contiguous()


def _tiles_last(values: Tensor) -> Tensor:
    """(T, P, k) as (k, P, T) in memory."""
    return values.permute(2, 1, 0).contiguous()


def _joined(fingers: Tensor, palm: Tensor) -> Tensor:
    """exp(-distance / finger blend) of the whole hand; clamped, so that far away is a safe step."""
    return (fingers + palm.square().square()).clamp_min(1e-26)


def rough_distance(capsules: Capsules, hand: int, points: Tensor) -> Tensor:
    """Distance (M,) of ``points`` (M, 3) to the nearest large capsule of one hand, not blended, metres."""
    large = capsules.large
    start, axis, radius = (
        capsules.start[hand, large],
        capsules.axis[hand, large],
        capsules.radius[hand, large],
    )
    origin = start.mean(0)
    start, points = start - origin, (points - origin).T
    squared_length = (axis * axis).sum(-1, keepdim=True).clamp_min(1e-12)
    # (capsules, points): the long axis last
    along = (axis / squared_length) @ points - (start * axis).sum(-1, keepdim=True) / squared_length
    squared = (
        (start @ points).mul_(-2).add_((start * start).sum(-1, keepdim=True)).add_((points * points).sum(0))
    )
    place = along.clamp(0, 1)
    squared = squared.addcmul_(along.mul_(2).sub_(place).mul_(place), squared_length, value=-1)
    distance = squared.clamp_min_(1e-10).sqrt_()
    return (distance - radius[:, :1]).addcmul_(place, radius[:, :1] - radius[:, 1:]).amin(0)

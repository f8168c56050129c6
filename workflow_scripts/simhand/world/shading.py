"""Colour of traced points: skin and cloth under one soft key light and light from all around."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simhand.world.anatomy import Person
from simhand.world.skin import sample_skin
from simhand.world.surface import Capsules
from simhand.world.tracing import TILE_PX, Hits, rough_distance

# how far light bleeds round the edge of shadow under skin: red travels furthest
_WRAP = (0.42, 0.24, 0.16)
_OCCLUSION_STEPS_M = (0.006, 0.018)
_EDGE_M = 0.008
_SHADOW_STEPS_M = (0.008, 0.020, 0.040, 0.075)


@dataclass(frozen=True)
class Lighting:
    """Light of one scene, camera frame, linear RGB. ``direction`` points to the key light."""

    direction: np.ndarray
    key_rgb: np.ndarray
    sky_rgb: np.ndarray
    ground_rgb: np.ndarray


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """A random light from above, left, right or behind the camera, warm or cool."""
    azimuth = rng.uniform(-np.pi, np.pi)
    direction = np.array([0.75 * np.sin(azimuth), -0.75 - 0.3 * rng.random(), -0.75 + 0.45 * np.cos(azimuth)])
    warmth = rng.uniform(-1, 1)
    key = np.array([1 + 0.12 * warmth, 1.0, 1 - 0.18 * warmth]) * rng.uniform(0.9, 1.35)
    sky = np.array([1 - 0.06 * warmth, 1.0, 1 + 0.10 * warmth]) * rng.uniform(0.42, 0.62)
    ground = np.array([1.0, 0.94, 0.86]) * rng.uniform(0.18, 0.32)
    return Lighting(direction / np.linalg.norm(direction), key, sky, ground)


def shade(hits: Hits, capsules: Capsules, people: list[Person], lights: list[Lighting]) -> Tensor:
    """Linear RGB (T, P, 3) of traced points, one person and one light per hand."""
    device = hits.point.device
    light = _stack([lamp.direction for lamp in lights], device)[hits.owner][:, None]
    lateral, distal, dorsal, atlas_mm, sleeve = _blend_attributes(hits, capsules)

    side = (hits.normal * dorsal).sum(-1)
    back = torch.nn.functional.hardtanh(side / 0.7 + 0.5, 0, 1)
    skin = sample_skin(atlas_mm.reshape(-1, 2), back.reshape(-1)).unflatten(0, back.shape)
    crease, flush, nail, mottle, slope_x, slope_y = skin.unbind(-1)
    bare = 1 - sleeve
    normal = hits.normal - (bare * slope_x)[..., None] * lateral - (bare * slope_y)[..., None] * distal
    normal = torch.nn.functional.normalize(normal, dim=-1)

    albedo = _skin_colour(hits, people, crease, flush, nail, mottle, back)
    albedo = albedo + sleeve[..., None] * (_cloth_colour(hits, people, atlas_mm, mottle) - albedo)
    occlusion, shadow = _blocked_light(hits, capsules, lights)
    facing = (normal * light).sum(-1)
    wrap = torch.tensor(_WRAP, device=device) * bare[..., None]
    diffuse = ((facing[..., None] + wrap) / (1 + wrap)).clamp_min(0)
    # light that left through a shadow's edge is red: the shadow of red is the lightest
    diffuse = diffuse * shadow[..., None] ** (1 - 0.6 * wrap)
    up = (0.5 - 0.5 * normal[..., 1])[..., None]
    row = lambda values: _stack(values, device)[hits.owner][:, None]  # noqa: E731
    sky, ground = row([lamp.sky_rgb for lamp in lights]), row([lamp.ground_rgb for lamp in lights])
    key = row([lamp.key_rgb for lamp in lights])
    ambient = (ground + up * (sky - ground)) * occlusion[..., None] ** torch.tensor(
        [0.8, 1.0, 1.1], device=device
    )
    view = -torch.nn.functional.normalize(hits.point, dim=-1)
    half = torch.nn.functional.normalize(view + light, dim=-1)
    shine = (normal * half).sum(-1).clamp_min(0)
    gloss = bare * (0.055 * shine**18 + (0.04 + 0.35 * nail) * shine**70) * shadow
    rim = 0.10 * bare * (1 - (normal * view).sum(-1).clamp(0, 1)) ** 4
    return albedo * (diffuse * key + ambient) + key * gloss[..., None] + ambient * rim[..., None]


def _blend_attributes(hits: Hits, capsules: Capsules) -> tuple[Tensor, ...]:
    """Bone directions lateral, distal, dorsal (T, P, 3), atlas point (T, P, 2) and sleeve (T, P)."""
    of_capsule = torch.cat(
        [
            capsules.directions.flatten(2),
            capsules.atlas.flatten(2),
            capsules.sleeve.expand(len(capsules.start), -1)[..., None],
        ],
        -1,
    )
    blended = torch.bmm(hits.weights, of_capsule[hits.owner[:, None], hits.keep])
    lateral, distal, dorsal, map_x, map_y, sleeve = blended.split([3, 3, 3, 4, 4, 1], -1)
    maps = torch.stack([map_x, map_y], -2)
    atlas_mm = (maps[..., :3] * hits.point[..., None, :]).sum(-1) + maps[..., 3]
    # a cuff has an edge
    return lateral, distal, dorsal, atlas_mm, torch.nn.functional.hardtanh(4 * sleeve[..., 0] - 1.5, 0, 1)


def _stack(values: list[np.ndarray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(values)).float().to(device)


def _linear(values: list[np.ndarray], hits: Hits) -> Tensor:
    return (_stack(values, hits.point.device) ** 2.2)[hits.owner][:, None]


def _skin_colour(
    hits: Hits,
    people: list[Person],
    crease: Tensor,
    flush: Tensor,
    nail: Tensor,
    mottle: Tensor,
    back: Tensor,
) -> Tensor:
    palm = _linear([person.palm_rgb for person in people], hits)
    skin = palm + back[..., None] * (_linear([person.skin_rgb for person in people], hits) - palm)
    red = torch.tensor([0.10, -0.14, -0.12], device=skin.device)
    colour = skin * (1 + flush[..., None] * red)
    freckles = torch.tensor([person.freckles for person in people], device=skin.device)[hits.owner][:, None]
    colour = colour * (1 + (0.035 + 0.045 * freckles) * mottle)[..., None].clamp_min(0.5)
    dark = torch.tensor([0.34, 0.46, 0.48], device=skin.device)
    colour = colour * (1 - crease[..., None] * dark)
    return colour + nail[..., None] * (_linear([person.nail_rgb for person in people], hits) - colour)


def _cloth_colour(hits: Hits, people: list[Person], atlas_mm: Tensor, mottle: Tensor) -> Tensor:
    colour = _linear([person.sleeve_rgb for person in people], hits)
    stripes = torch.tensor([person.sleeve_stripes for person in people], device=colour.device)[hits.owner][
        :, None
    ]
    pattern = 1 - stripes * (torch.sin(atlas_mm[..., 1] * 0.6) > 0)
    weave = 1 + 0.06 * mottle + 0.05 * torch.sin(atlas_mm[..., 0] * 2.5) * torch.sin(atlas_mm[..., 1] * 2.5)
    return colour * (pattern * weave)[..., None]


def _blocked_light(hits: Hits, capsules: Capsules, lights: list[Lighting]) -> tuple[Tensor, Tensor]:
    """Open sky and open key light (T, P) in [0, 1].

    Tiles within one surface ask for every second pixel and spread it; tiles with an edge ask for all.
    """
    device = hits.point.device
    steps = range(0, TILE_PX, 2)
    pick = torch.tensor([row * TILE_PX + column for row in steps for column in steps], device=device)
    depth = hits.point[..., 2]
    edge = (depth.amax(1) - depth.amin(1)) > _EDGE_M
    light = torch.ones(*depth.shape, 2, device=device)
    for hand in hits.owner.unique().tolist():
        mine = hits.owner == hand
        whole, smooth = torch.nonzero(mine & edge)[:, 0], torch.nonzero(mine & ~edge)[:, 0]
        light[whole] = _blocked_on_hand(capsules, hand, lights[hand], hits.point[whole], hits.normal[whole])
        picked = hits.point[smooth][:, pick]
        found = _blocked_on_hand(capsules, hand, lights[hand], picked, hits.normal[smooth][:, pick])
        light[smooth] = torch.bmm(_same_surface(hits.point[smooth], picked, pick), found)
    occlusion, shadow = light.unbind(-1)
    return occlusion, shadow


def _same_surface(points: Tensor, picked: Tensor, pick: Tensor) -> Tensor:
    """How much each picked point (T, 4, 3) says about each point of its tile (T, P, 3): (T, P, 4).

    Near pixels count more, and depths apart by more than a few millimetres hardly: light must not
    spill from a finger onto what lies behind its edge.
    """
    pixels = torch.arange(TILE_PX**2, device=pick.device)
    rows, columns = pixels // TILE_PX, pixels % TILE_PX
    apart = (rows[:, None] - rows[pick]).square() + (columns[:, None] - columns[pick]).square()
    depth_gap = (points[:, :, None, 2] - picked[:, None, :, 2]).abs() / 0.0025
    return torch.softmax(-0.5 * apart - depth_gap, -1)


def _blocked_on_hand(
    capsules: Capsules, hand: int, lamp: Lighting, points: Tensor, normals: Tensor
) -> Tensor:
    """Open sky and open key light at points (T, P, 3): (T, P, 2)."""
    shape = points.shape[:2]
    points, normals = points.reshape(-1, 3), normals.reshape(-1, 3)
    light = torch.from_numpy(lamp.direction).to(points)
    occlusion = torch.ones_like(points[:, 0])
    for height in _OCCLUSION_STEPS_M:
        gap = rough_distance(capsules, hand, points + height * normals)
        occlusion = occlusion - 0.42 * (1 - gap / height).clamp(0, 1)
    shadow = torch.ones_like(occlusion)
    lit = torch.nonzero((normals @ light) > -0.3)[:, 0]
    origin = points[lit] + 0.003 * normals[lit]
    for length in _SHADOW_STEPS_M:
        gap = rough_distance(capsules, hand, origin + length * light)
        shadow[lit] = torch.minimum(shadow[lit], 0.5 + 3.2 * gap / length)
    return torch.stack([occlusion.clamp(0.2, 1).view(shape), shadow.clamp(0, 1).view(shape)], -1)

"""The flesh of a hand: capsules of varying radius hung on the skeleton, to be blended smoothly.

Distances within the palm are blended over ``PALM_BLEND_M``, everything else over ``FINGER_BLEND_M``,
so that the palm is one body while fingers that touch stay apart.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from simhand.world.anatomy import MEAN_BONES_M, Person
from simhand.world.kinematics import FOREARM, PALM, Skeleton

FINGER_BLEND_M = 0.0013
PALM_BLEND_M = 4 * FINGER_BLEND_M  # four times exactly: tracing squares twice instead of raising to a power
ELBOW = 21  # the elbow follows the 21 joints as one more point


@dataclass(frozen=True)
class _Part:
    """One capsule: two points on the skeleton, each between two joints and offset in ``frame`` (mm)."""

    frame: int
    start: tuple[int, int, float]
    end: tuple[int, int, float]
    radii_mm: tuple[float, float]
    start_offset_mm: tuple[float, float, float] = (0, 0, 0)
    end_offset_mm: tuple[float, float, float] = (0, 0, 0)
    palm: bool = False
    pad: bool = False


def _finger_parts() -> list[_Part]:
    parts = []
    # radii at knuckle, middle joint, end joint and tip
    radii = [(10.2, 9.0, 8.0, 6.6), (10.4, 9.2, 8.1, 6.7), (10.0, 8.7, 7.8, 6.4), (8.8, 7.7, 6.9, 5.8)]
    for finger, (knuckle, middle, end, tip) in enumerate(radii):
        joint, frame = 5 + 4 * finger, 5 + 3 * finger
        parts += [
            _Part(frame, (joint, joint + 1, 0.0), (joint, joint + 1, 1.0), (knuckle, middle)),
            _Part(frame + 1, (joint + 1, joint + 2, 0.0), (joint + 1, joint + 2, 1.0), (middle, end)),
            _Part(frame + 2, (joint + 2, joint + 3, 0.0), (joint + 2, joint + 3, 0.88), (end - 0.3, tip)),
            # pads of flesh on the palm side
            _Part(
                frame,
                (joint, joint + 1, 0.35),
                (joint, joint + 1, 0.7),
                (middle - 1.2, middle - 1.2),
                (0, 0, -2.2),
                (0, 0, -1.9),
                pad=True,
            ),
            _Part(
                frame + 2,
                (joint + 2, joint + 3, 0.4),
                (joint + 2, joint + 3, 0.78),
                (tip - 0.6, tip - 0.9),
                (0, 0, -1.6),
                (0, 0, -1.1),
                pad=True,
            ),
        ]
    parts += [
        _Part(3, (2, 3, 0.0), (2, 3, 1.0), (10.6, 9.6)),
        _Part(4, (3, 4, 0.0), (3, 4, 0.84), (9.6, 7.4)),
        _Part(4, (3, 4, 0.35), (3, 4, 0.72), (8.4, 7.4), (0, 0, -1.6), (0, 0, -1.2), pad=True),
    ]
    return parts


def _palm_parts() -> list[_Part]:
    starts = [(-11, 10, -1), (-3, 10, 0), (5, 10, 0), (12, 10, -2)]
    parts = [
        _Part(PALM, (0, 0, 0.0), (0, joint, 1.0), (12.5, 10.0), start, (0, -3, -1.5), palm=True)
        for start, joint in zip(starts, (5, 9, 13, 17), strict=True)
    ]
    parts += [
        # across the wrist, and the pads below the fingers
        _Part(PALM, (0, 0, 0.0), (0, 0, 0.0), (12.5, 12.0), (-12, 4, -1), (12, 4, -1), palm=True),
        _Part(PALM, (0, 5, 1.0), (0, 17, 1.0), (9.0, 8.5), (2, -9, -7), (-3, -6, -7), palm=True),
        # ball of the little finger
        _Part(PALM, (0, 17, 0.2), (0, 17, 0.75), (11.0, 9.5), (11, 0, -6), (3, 0, -6), palm=True),
        # ball of the thumb: its metacarpal, the muscle towards the palm, the web to the index
        _Part(2, (1, 2, -0.05), (1, 2, 0.95), (13.0, 9.6), palm=True),
        _Part(2, (1, 2, 0.05), (1, 2, 0.6), (12.5, 11.0), (9, 0, -3), (5, 0, -3), palm=True),
        _Part(PALM, (0, 5, 0.35), (1, 2, 0.5), (9.5, 9.5), (0, 0, -3), (0, 0, 0), palm=True),
        _Part(PALM, (0, 5, 0.62), (1, 2, 0.72), (6.5, 6.5), (0, 0, -2), (0, 0, 0), palm=True),
    ]
    for joint in (5, 9, 13):
        parts.append(
            _Part(
                PALM,
                (joint, joint + 1, 0.26),
                (joint + 4, joint + 5, 0.28),
                (5.2, 5.0),
                (0, 0, -2),
                (0, 0, -2),
                palm=True,
                pad=True,
            )
        )
    return parts


def _forearm_parts() -> list[_Part]:
    return [
        _Part(FOREARM, (0, ELBOW, 0.0), (0, ELBOW, 0.55), (14.0, 21.5), (-11, 0, 0), (-15, 0, 0), palm=True),
        _Part(FOREARM, (0, ELBOW, 0.0), (0, ELBOW, 0.55), (13.5, 21.5), (11, 0, 0), (15, 0, 0), palm=True),
        _Part(FOREARM, (0, ELBOW, 0.0), (0, ELBOW, 0.55), (15.0, 24.0), palm=True),
        _Part(FOREARM, (0, ELBOW, 0.5), (0, ELBOW, 1.0), (28.0, 32.0), palm=True),
    ]


PARTS: tuple[_Part, ...] = (*_finger_parts(), *_palm_parts(), *_forearm_parts())
SLEEVE_PARTS = 2


@dataclass(frozen=True)
class Capsules:
    """The flesh of N hands as K capsules each; metres, in the frame of the skeleton.

    start, axis: (N, K, 3), from one end and to the other; radius: (N, K, 2) at both ends.
    palm: (K,) 1 where blended with the palm; sleeve: (K,) 1 where cloth; large: indices of the capsules
    that shape a shadow.
    directions: (N, K, 3, 3), rows lateral, distal and dorsal of the bone below.
    atlas: (N, K, 2, 4) takes a point (x, y, z, 1) to skin coordinates in mm, see :mod:`simhand.world.skin`.
    """

    start: Tensor
    axis: Tensor
    radius: Tensor
    palm: Tensor
    sleeve: Tensor
    large: Tensor
    directions: Tensor
    atlas: Tensor

    def to(self, device: str) -> "Capsules":
        """The same on ``device``."""
        return Capsules(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@cache
def _part_tables() -> tuple[Tensor, ...]:
    frames = torch.tensor([part.frame for part in PARTS])
    ends = torch.tensor([[[*part.start[:2]], [*part.end[:2]]] for part in PARTS])
    where = torch.tensor([[part.start[2], part.end[2]] for part in PARTS])
    offsets = torch.tensor([[part.start_offset_mm, part.end_offset_mm] for part in PARTS]).float() / 1000
    radii = torch.tensor([part.radii_mm for part in PARTS]).float() / 1000
    palm = torch.tensor([float(part.palm) for part in PARTS])
    return frames, ends, where, offsets, radii, palm


@cache
def _large_parts() -> Tensor:
    return torch.tensor([number for number, part in enumerate(PARTS) if not part.pad])


def hand_capsules(skeleton: Skeleton, people: list[Person]) -> Capsules:
    """Hang the flesh of ``people`` (one per hand) on ``skeleton``."""
    frames, ends, where, offsets, radii, palm = _part_tables()
    points = torch.cat([skeleton.joints, skeleton.elbow[:, None]], 1)
    thickness = torch.tensor([person.thickness for person in people], dtype=points.dtype)[:, None, None]
    rotations = skeleton.rotations[:, frames]
    along = points[:, ends[..., 0]] * (1 - where[..., None]) + points[:, ends[..., 1]] * where[..., None]
    along = along + (rotations[:, :, None] @ (offsets * thickness[..., None])[..., None])[..., 0]
    start, axis = along[:, :, 0], along[:, :, 1] - along[:, :, 0]
    radius = radii * thickness
    atlas = _atlas_maps(skeleton, people)[:, frames]
    sleeve_start, sleeve_axis, sleeve_radius = _sleeves(skeleton, people)
    forearm = torch.full((SLEEVE_PARTS,), FOREARM)
    flags = torch.zeros(SLEEVE_PARTS)
    return Capsules(
        start=torch.cat([start, sleeve_start], 1),
        axis=torch.cat([axis, sleeve_axis], 1),
        radius=torch.cat([radius, sleeve_radius], 1),
        palm=torch.cat([palm, flags]),
        sleeve=torch.cat([torch.zeros_like(palm), flags + 1]),
        large=_large_parts(),
        directions=torch.cat([rotations, skeleton.rotations[:, forearm]], 1).mT.contiguous(),
        atlas=torch.cat([atlas, _atlas_maps(skeleton, people)[:, forearm]], 1),
    )


def _sleeves(skeleton: Skeleton, people: list[Person]) -> tuple[Tensor, Tensor, Tensor]:
    """Two capsules of cloth beside each other from where the sleeve begins to the elbow."""
    begin = torch.tensor([min(person.sleeve_start_m, 0.4) for person in people])[:, None]
    elbow = skeleton.elbow
    direction = elbow - skeleton.joints[:, 0]
    length = direction.norm(dim=-1, keepdim=True)
    first = skeleton.joints[:, 0] + direction / length * begin
    lateral = skeleton.rotations[:, FOREARM, :, 0]
    starts = torch.stack([first - 0.007 * lateral, first + 0.007 * lateral], 1)
    ends = torch.stack([elbow, elbow], 1)
    radius = torch.tensor([[0.028, 0.050], [0.028, 0.050]]).expand(len(people), 2, 2).clone()
    # a bare forearm: the cloth shrinks to nothing inside the arm
    bare = torch.tensor([person.sleeve_start_m >= 0.4 for person in people])
    radius[bare] = 0.001
    return starts, ends - starts, radius


@cache
def atlas_frames() -> tuple[Tensor, Tensor]:
    """Where each bone lies in the atlas: origins (17, 2) in mm, and directions of its length (17, 2)."""
    mcp = [(-27.0, 88.0), (-3.0, 92.0), (21.0, 87.0), (43.0, 76.0)]
    fan = [-9.0, 0.0, 9.0, 20.0]
    chains = [
        ((-30.0, 20.0), -62.0, 0),
        *((root, angle, i + 1) for i, (root, angle) in enumerate(zip(mcp, fan, strict=True))),
    ]
    origins, lengths = [(0.0, 0.0), (0.0, 0.0)], [(0.0, 1.0), (0.0, 1.0)]
    for root, angle, finger in chains:
        turn = torch.deg2rad(torch.tensor(angle))
        direction = torch.stack([torch.sin(turn), torch.cos(turn)])
        point = torch.tensor(root)
        for bone in range(3):
            origins.append(tuple(point.tolist()))
            lengths.append(tuple(direction.tolist()))
            point = point + direction * float(MEAN_BONES_M[finger, bone] * 1000)
    return torch.tensor(origins), torch.tensor(lengths)


def _atlas_maps(skeleton: Skeleton, people: list[Person]) -> Tensor:
    """Affine maps (N, 17, 2, 4) from points to atlas millimetres of the mean hand."""
    origins, along = atlas_frames()
    across = torch.stack([along[:, 1], -along[:, 0]], -1)
    stretch = torch.ones(len(people), 17)
    for number, person in enumerate(people):
        stretch[number, :2] = 1 / person.scale
        stretch[number, 2:] = torch.from_numpy((MEAN_BONES_M / person.bones_m).reshape(-1)).float()
    width = 1 / torch.tensor([person.thickness for person in people])[:, None, None]
    lateral, distal = skeleton.rotations[..., 0], skeleton.rotations[..., 1]
    linear = 1000 * (
        across[:, :, None] * lateral[:, :, None] * width[..., None]
        + along[:, :, None] * (distal * stretch[..., None])[:, :, None]
    )
    shift = origins - (linear @ skeleton.origins[..., None])[..., 0]
    return torch.cat([linear, shift[..., None]], -1)

"""Forward kinematics of the 21-joint hand, batched and in closed form."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simhand.world.anatomy import ANGLE_INDEX, FINGERS, FOREARM_M, MEAN_BONES_M

# the frames that flesh and skin hang on: palm, forearm, then three bones per finger, thumb first
FRAMES = 17
PALM, FOREARM = 0, 1
# roll of each finger's plane of flexion about its length, radians: bent fingers converge on the scaphoid
_CONVERGENCE = torch.tensor([5.0, 0.0, -7.0, -14.0]).deg2rad()
# a hand at rest turns the thumb's nail to the radial side; opposition turns its pulp to the fingers
_THUMB_REST_ROLL_RAD = float(np.radians(28.0))


@dataclass(frozen=True)
class Skeleton:
    """Posed hands. Lengths in metres, in the frame the angles were posed in.

    joints: (N, 21, 3) wrist, thumb 1-4, index, middle, ring, little, base to tip.
    elbow: (N, 3).
    origins, rotations: (N, 17, 3) and (N, 17, 3, 3), the frames of palm, forearm and finger bones;
    the columns of a rotation are lateral (ulnar in a right hand), distal, dorsal.
    """

    joints: Tensor
    elbow: Tensor
    origins: Tensor
    rotations: Tensor

    def moved(self, rotation: Tensor, translation: Tensor) -> "Skeleton":
        """The same hands turned by ``rotation`` (N, 3, 3), then shifted by ``translation`` (N, 3)."""
        shift = translation[:, None]
        return Skeleton(
            joints=self.joints @ rotation.mT + shift,
            elbow=(rotation @ self.elbow[..., None])[..., 0] + translation,
            origins=self.origins @ rotation.mT + shift,
            rotations=rotation[:, None] @ self.rotations,
        )

    def mirrored(self, where: Tensor) -> "Skeleton":
        """The hands where ``where`` (N, bool) mirrored in x, so that right becomes left.

        Rotations become reflections there: their columns still point lateral, distal and dorsal.
        """
        sign = torch.ones(len(where), 3, dtype=self.joints.dtype, device=self.joints.device)
        sign[where, 0] = -1
        return Skeleton(
            joints=self.joints * sign[:, None],
            elbow=self.elbow * sign,
            origins=self.origins * sign[:, None],
            rotations=self.rotations * sign[:, None, :, None],
        )


def stack_skeletons(skeletons: list[Skeleton], rows: list[int]) -> Skeleton:
    """One batch of the hand in row ``rows[i]`` of each ``skeletons[i]``."""
    return Skeleton(
        *(
            torch.stack([getattr(skeleton, name)[row] for skeleton, row in zip(skeletons, rows, strict=True)])
            for name in ("joints", "elbow", "origins", "rotations")
        )
    )


def pose_skeleton(angles: Tensor, roots_m: Tensor, bones_m: Tensor) -> Skeleton:
    """Right hands in the hand frame of :mod:`simhand.world.anatomy`.

    angles: (N, 23) radians, columns as in ``ANGLES``.
    roots_m, bones_m: (5, 3) of one person, or (N, 5, 3).
    """
    count = len(angles)
    roots_m, bones_m = roots_m.expand(count, 5, 3), bones_m.expand(count, 5, 3)
    joints, origins, rotations = [], [], []
    for number, finger in enumerate(FINGERS):
        distal, dorsal, flexion = _thumb_base(angles) if finger == "thumb" else _finger_base(angles, number)
        chain = _bend(distal, dorsal, flexion)
        points = [roots_m[:, number]]
        for bone, frame in enumerate(chain):
            points.append(points[-1] + bones_m[:, number, bone, None] * frame[..., 1])
        joints += points
        origins += points[:3]
        rotations += chain
    wrist = torch.zeros_like(joints[0])
    forearm = _forearm_frame(angles)
    scale = bones_m.sum((1, 2))[:, None] / float(MEAN_BONES_M.sum())
    palm = torch.eye(3, dtype=angles.dtype, device=angles.device).expand(count, 3, 3)
    return Skeleton(
        joints=torch.stack([wrist, *joints], 1),
        elbow=-FOREARM_M * scale * forearm[..., 1],
        origins=torch.stack([wrist, wrist, *origins], 1),
        rotations=torch.stack([palm, forearm, *rotations], 1),
    )


def _angle(angles: Tensor, name: str) -> Tensor:
    return angles[:, ANGLE_INDEX[name]]


def _finger_base(angles: Tensor, number: int) -> tuple[Tensor, Tensor, list[Tensor]]:
    finger = FINGERS[number]
    roll = _CONVERGENCE[number - 1].to(angles)
    abduction = _angle(angles, f"{finger}_abduction")
    zero = torch.zeros_like(abduction)
    dorsal = torch.stack([zero + torch.sin(roll), zero, zero + torch.cos(roll)], -1)
    lateral = torch.stack([zero + torch.cos(roll), zero, zero - torch.sin(roll)], -1)
    ahead = torch.stack([zero, zero + 1, zero], -1)
    distal = torch.cos(abduction)[:, None] * ahead + torch.sin(abduction)[:, None] * lateral
    return distal, dorsal, [_angle(angles, f"{finger}_{joint}") for joint in ("mcp", "pip", "dip")]


def _thumb_base(angles: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    palmar, radial = _angle(angles, "thumb_palmar"), _angle(angles, "thumb_radial")
    distal = torch.stack(
        [-torch.sin(radial) * torch.cos(palmar), torch.cos(radial) * torch.cos(palmar), -torch.sin(palmar)],
        -1,
    )
    roll = _THUMB_REST_ROLL_RAD - _angle(angles, "thumb_twist")
    guess = torch.stack([-torch.cos(roll), torch.zeros_like(roll), torch.sin(roll)], -1)
    dorsal = guess - (guess * distal).sum(-1, keepdim=True) * distal
    dorsal = dorsal / dorsal.norm(dim=-1, keepdim=True)
    return distal, dorsal, [torch.zeros_like(roll), _angle(angles, "thumb_mcp"), _angle(angles, "thumb_ip")]


def _bend(distal: Tensor, dorsal: Tensor, flexion: list[Tensor]) -> list[Tensor]:
    """Frames (N, 3, 3) of three bones that bend one after the other in the plane of distal and dorsal."""
    lateral = torch.linalg.cross(distal, dorsal)
    total = torch.zeros_like(flexion[0])
    frames = []
    for angle in flexion:
        total = total + angle
        cos, sin = torch.cos(total)[:, None], torch.sin(total)[:, None]
        frames.append(torch.stack([lateral, cos * distal - sin * dorsal, sin * distal + cos * dorsal], -1))
    return frames


def _forearm_frame(angles: Tensor) -> Tensor:
    """Frame of the forearm (distal points to the hand); the wrist's flexion turns the hand palmward."""
    flexion, deviation = _angle(angles, "wrist_flexion"), _angle(angles, "wrist_deviation")
    zero = torch.zeros_like(flexion)
    cos, sin = torch.cos(flexion), torch.sin(flexion)
    distal = torch.stack([-torch.sin(deviation), torch.cos(deviation) * cos, torch.cos(deviation) * sin], -1)
    dorsal = torch.stack([zero, -sin, cos], -1)
    lateral = torch.linalg.cross(distal, dorsal)
    return torch.stack([lateral, distal, dorsal], -1)

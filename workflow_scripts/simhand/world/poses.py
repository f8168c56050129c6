"""Pose classes, random poses within the joint limits, and hands sampled without rendering."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from simhand.world.anatomy import (
    ANGLE_INDEX,
    ANGLES,
    FINGERS,
    MEAN_BONES_M,
    MEAN_ROOTS_M,
    joint_limits_rad,
)
from simhand.world.kinematics import pose_skeleton
from simhand.world.views import rotation_from_view, sample_views

# a finger: abduction (None: the finger's habit), mcp, pip, dip in degrees
_STRAIGHT = (None, 2, 4, 2)
_TOGETHER = (0, 3, 5, 3)
_CURLED = (0, 82, 100, 62)
_SPREAD = {"index": -9, "middle": -1, "ring": 7, "little": 16}
_RELAXED = {
    "index": (-2, 22, 28, 12),
    "middle": (0, 30, 34, 15),
    "ring": (2, 34, 38, 17),
    "little": (5, 34, 38, 18),
}
# the thumb: palmar, radial, twist, mcp, ip in degrees
_THUMB_OUT = (8, 48, 5, 3, -4)
_THUMB_BESIDE = (8, 20, 0, 4, 2)
_THUMB_RELAXED = (26, 32, 15, 14, 14)
_THUMB_OVER = (42, 12, 40, 38, 48)


def _pose(thumb: tuple[float, ...], **fingers: tuple[float | None, ...]) -> np.ndarray:
    angles = np.zeros(len(ANGLES))
    for name in FINGERS[1:]:
        abduction, *flexion = fingers[name]
        angles[ANGLE_INDEX[f"{name}_abduction"]] = _SPREAD[name] if abduction is None else abduction
        for joint, value in zip(("mcp", "pip", "dip"), flexion, strict=True):
            angles[ANGLE_INDEX[f"{name}_{joint}"]] = value
    for joint, value in zip(("palmar", "radial", "twist", "mcp", "ip"), thumb, strict=True):
        angles[ANGLE_INDEX[f"thumb_{joint}"]] = value
    return np.radians(angles)


def _four(index: tuple, middle: tuple, ring: tuple, little: tuple) -> dict[str, tuple[float | None, ...]]:
    return {"index": index, "middle": middle, "ring": ring, "little": little}


POSES: dict[str, np.ndarray] = {
    "open_palm": _pose(_THUMB_OUT, **_four(_STRAIGHT, _STRAIGHT, _STRAIGHT, _STRAIGHT)),
    "flat_hand": _pose(_THUMB_BESIDE, **_four(_TOGETHER, _TOGETHER, _TOGETHER, _TOGETHER)),
    "relaxed": _pose(_THUMB_RELAXED, **_RELAXED),
    "fist": _pose(_THUMB_OVER, **_four(_CURLED, _CURLED, _CURLED, _CURLED)),
    "point": _pose(_THUMB_OVER, **_four(_STRAIGHT, _CURLED, _CURLED, _CURLED)),
    "victory": _pose(_THUMB_OVER, **_four((-11, 2, 4, 2), (9, 2, 4, 2), _CURLED, _CURLED)),
    "three": _pose(_THUMB_OVER, **_four(_STRAIGHT, _STRAIGHT, _STRAIGHT, _CURLED)),
    "four": _pose((34, 14, 35, 30, 35), **_four(_STRAIGHT, _STRAIGHT, _STRAIGHT, _STRAIGHT)),
    "thumbs_up": _pose((2, 58, -5, -4, -12), **_four(_CURLED, _CURLED, _CURLED, _CURLED)),
    "pinch": _pose((44, 26, 38, 14, 24), **{**_RELAXED, "index": (0, 50, 48, 24)}),
    "ok": _pose((44, 26, 38, 14, 24), **_four((0, 50, 48, 24), (0, 14, 8, 4), (6, 6, 5, 3), (15, 2, 4, 3))),
    "grasp": _pose(
        (48, 30, 40, 16, 18), **_four((-3, 42, 46, 24), (0, 44, 48, 26), (2, 44, 50, 26), (5, 44, 48, 26))
    ),
    "claw": _pose(
        (40, 40, 30, 8, 34), **_four((-8, 6, 66, 38), (0, 6, 68, 38), (6, 8, 68, 38), (14, 10, 62, 36))
    ),
    "hook": _pose(_THUMB_BESIDE, **_four(*[(0, 8, 88, 52)] * 4)),
    "horns": _pose(_THUMB_OVER, **_four((-4, 2, 4, 2), _CURLED, _CURLED, (10, 2, 4, 2))),
    "call": _pose((6, 56, 0, -2, -8), **_four(_CURLED, _CURLED, _CURLED, (18, 4, 5, 3))),
    "gun": _pose((6, 54, 0, 0, -6), **_four((-2, 2, 3, 2), _CURLED, _CURLED, _CURLED)),
}
POSE_CLASSES = tuple(POSES)


@cache
def pose_table() -> Tensor:
    """The angles of every pose class, (classes, 23) float32 radians, in the order of ``POSE_CLASSES``."""
    return torch.from_numpy(np.stack(list(POSES.values()))).float()


def vary_angles(angles: Tensor, noise: Tensor, spread_deg: float = 5.0) -> Tensor:
    """``angles`` (N, 23) plus normal ``noise`` (N, 23) times ``spread_deg``, kept within the joint limits.

    The end joint of a finger follows its middle joint's noise, since one tendon bends both.
    """
    noise = noise.clone()
    for finger in FINGERS[1:]:
        pip, dip = ANGLE_INDEX[f"{finger}_pip"], ANGLE_INDEX[f"{finger}_dip"]
        noise[:, dip] = 0.6 * noise[:, pip] + 0.4 * noise[:, dip]
        noise[:, ANGLE_INDEX[f"{finger}_abduction"]] *= 0.5
    for name in ("wrist_flexion", "wrist_deviation"):
        noise[:, ANGLE_INDEX[name]] *= 2.0
    low, high = torch.from_numpy(joint_limits_rad()).to(angles)
    return (angles + noise * float(np.radians(spread_deg))).clamp(low, high)


@dataclass(frozen=True)
class SampledHands:
    """Articulated hands without pictures. Lengths in metres, camera frame x right, y down, z forward.

    joints_m: (N, 21, 3); keypoints_px: (N, 21, 2); pose_class: (N,) index into ``POSE_CLASSES``;
    left: (N,) bool, the anatomical side.
    """

    joints_m: np.ndarray
    keypoints_px: np.ndarray
    pose_class: np.ndarray
    left: np.ndarray


def sample_hands(
    count: int,
    seed: int,
    *,
    image_size_px: int = 224,
    spread_deg: float = 8.0,
    left_fraction: float = 0.5,
    device: str = "cpu",
    chunk: int = 65536,
) -> SampledHands:
    """``count`` random hands of random people, pose classes and views, and their 2D keypoints.

    A hand's numbers depend on ``seed`` and on its chunk of ``chunk`` hands, not on ``count``.
    The camera is that of the labelled set: the hand stands in the middle of a square image.
    """
    parts = [
        _sample_chunk(
            min(chunk, count - start),
            chunk,
            seed + 1000003 * number,
            image_size_px,
            spread_deg,
            left_fraction,
            device,
        )
        for number, start in enumerate(range(0, count, chunk))
    ]
    return SampledHands(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _sample_chunk(
    count: int, drawn: int, seed: int, size_px: int, spread_deg: float, left_fraction: float, device: str
) -> tuple[np.ndarray, ...]:
    # drawn on the CPU and in whole chunks, so that neither the device nor the count changes a hand
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(len(POSE_CLASSES), (drawn,), generator=generator)
    noise = torch.randn(drawn, len(ANGLES), generator=generator)
    size = 0.88 + 0.19 * torch.rand(drawn, 1, 1, generator=generator)
    proportion = 1 + 0.025 * torch.randn(drawn, 5, 1, generator=generator)
    left = torch.rand(drawn, generator=generator) < left_fraction
    views = sample_views(drawn, generator)
    depth_m = 0.45 + 0.25 * torch.rand(drawn, 1, generator=generator)
    classes, noise, size, proportion, left, views, depth_m = (
        column[:count].to(device) for column in (classes, noise, size, proportion, left, views, depth_m)
    )
    angles = vary_angles(pose_table().to(device)[classes], noise, spread_deg)
    roots = torch.from_numpy(MEAN_ROOTS_M).float().to(device) * size
    bones = torch.from_numpy(MEAN_BONES_M).float().to(device) * size * proportion
    skeleton = pose_skeleton(angles, roots, bones)
    joints = skeleton.joints @ rotation_from_view(views).mT
    joints = joints - joints.mean(1, keepdim=True)
    joints[left, :, 0] *= -1
    joints[..., 2] += depth_m
    focal_px = 2.2 * size_px
    keypoints = joints[..., :2] / joints[..., 2:] * focal_px + size_px / 2
    return joints.cpu().numpy(), keypoints.cpu().numpy(), classes.cpu().numpy(), left.cpu().numpy()

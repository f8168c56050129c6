"""The hand's anatomy: joint angles and their limits, bone lengths, and people who differ in them.

Hand frame of a right hand, origin at the wrist: x ulnar (to the little finger), y distal (to the
fingertips), z dorsal (out of the back of the hand). Right-handed. A left hand is its mirror in x.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from simhand.world.seeding import named_generator

FINGERS = ("thumb", "index", "middle", "ring", "little")

# degrees; flexion bends to the palm, abduction is positive to the ulnar side (Kapandji, The
# Physiology of the Joints I; rounded). Thumb: its metacarpal leaves the palm's plane by `palmar` and
# turns to the radial side by `radial`; `twist` is its pronation, pulp towards the fingers.
_FINGER_LIMITS = {"mcp": (-25, 92), "pip": (-4, 110), "dip": (-4, 80)}
_ABDUCTION_LIMITS = {"index": (-22, 10), "middle": (-12, 12), "ring": (-10, 18), "little": (-10, 28)}
_THUMB_LIMITS = {"palmar": (-8, 62), "radial": (0, 65), "twist": (-15, 60), "mcp": (-10, 65), "ip": (-25, 85)}
_WRIST_LIMITS = {"flexion": (-60, 60), "deviation": (-20, 35)}

JOINT_LIMITS_DEG: dict[str, tuple[float, float]] = {
    **{
        f"{finger}_{name}": limits
        for finger in FINGERS[1:]
        for name, limits in {"abduction": _ABDUCTION_LIMITS[finger], **_FINGER_LIMITS}.items()
    },
    **{f"thumb_{name}": limits for name, limits in _THUMB_LIMITS.items()},
    **{f"wrist_{name}": limits for name, limits in _WRIST_LIMITS.items()},
}
ANGLES = tuple(JOINT_LIMITS_DEG)
ANGLE_INDEX = {name: index for index, name in enumerate(ANGLES)}

# metres. First joint of each finger (thumb: carpometacarpal, others: metacarpophalangeal), then the
# three bones that follow it; after the tables of Buryanov & Kotiuk 2010, with the pulp in the last bone.
MEAN_ROOTS_M = (
    np.array([[-20, 21, -12], [-25, 90, 0], [-3, 93, 3], [17, 87, 1], [34, 78, -5]], dtype=np.float64) / 1000
)
MEAN_BONES_M = (
    np.array([[45, 33, 27], [41, 25, 23], [45, 28, 24], [42, 27, 24], [33, 20, 22]], dtype=np.float64) / 1000
)
FOREARM_M = 0.42


@cache
def joint_limits_rad() -> np.ndarray:
    """Lower and upper limit of each angle in :data:`ANGLES`, (2, 23) radians."""
    return np.radians(np.array(list(JOINT_LIMITS_DEG.values()), dtype=np.float64).T)


@dataclass(frozen=True)
class Person:
    """One person's hands. Lengths in metres; ``thickness`` multiplies every radius of the flesh."""

    name: str
    roots_m: np.ndarray
    bones_m: np.ndarray
    scale: float
    thickness: float
    skin_rgb: np.ndarray
    palm_rgb: np.ndarray
    nail_rgb: np.ndarray
    sleeve_rgb: np.ndarray
    sleeve_stripes: float
    sleeve_start_m: float
    freckles: float


# sRGB, from pale to deep
_SKIN_TONES = (
    np.array(
        [
            [238, 200, 176],
            [229, 184, 155],
            [214, 164, 132],
            [198, 144, 110],
            [174, 122, 90],
            [146, 100, 74],
            [120, 82, 62],
        ]
    )
    / 255
)


def sample_person(seed: int, name: str) -> Person:
    """The person called ``name`` under ``seed``: size, proportions, skin and sleeve."""
    rng = named_generator(seed, "person", name)
    scale = rng.uniform(0.88, 1.07)
    roots = MEAN_ROOTS_M * scale
    roots[:, 0] *= rng.uniform(0.94, 1.06)
    finger_length = rng.normal(1, 0.03)
    bones = MEAN_BONES_M * scale * finger_length * rng.normal(1, 0.02, (5, 1)) * rng.normal(1, 0.012, (5, 3))
    tone = rng.uniform(0, len(_SKIN_TONES) - 1.001)
    low, mix = int(tone), tone % 1
    skin = (_SKIN_TONES[low] * (1 - mix) + _SKIN_TONES[low + 1] * mix) * rng.normal(1, 0.015, 3)
    palm = skin * 0.6 + 0.4 * np.array([0.90, 0.66, 0.58])
    if rng.random() < 0.25:
        nail = rng.uniform([0.35, 0.05, 0.1], [0.8, 0.3, 0.4])
    else:
        nail = skin * 0.55 + 0.45 * np.array([0.96, 0.76, 0.72])
    return Person(
        name=name,
        roots_m=roots,
        bones_m=bones,
        scale=scale,
        thickness=scale * rng.uniform(0.92, 1.08),
        skin_rgb=skin.clip(0, 1),
        palm_rgb=palm.clip(0, 1),
        nail_rgb=nail.clip(0, 1),
        sleeve_rgb=rng.uniform(0.08, 0.85) * (0.6 + 0.4 * rng.uniform(0, 1, 3)),
        sleeve_stripes=float(rng.choice([0.0, 0.0, 0.35])),
        sleeve_start_m=float(rng.choice([0.03, 0.06, 0.16, 0.5])) * scale,
        freckles=rng.uniform(0, 1),
    )

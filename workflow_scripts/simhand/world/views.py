"""From which side a camera sees a hand.

Camera frame: x right, y down, z forward. A view is (yaw, pitch, roll) in radians for a right hand:
at zero the fingers point up in the image and the palm faces the camera; yaw turns the hand about its
own length (pi: the back of the hand), pitch tips the fingertips away from the camera, roll turns it
clockwise in the image.
"""

import numpy as np
import torch
from torch import Tensor

# columns: where the hand's ulnar, distal and dorsal axes point in the camera frame at view zero
_FACING = torch.tensor([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])

# (mean, spread) of yaw, pitch, roll in degrees
VIEW_KINDS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "palm": ((0, 25), (0, 18), (0, 25)),
    "back": ((180, 25), (5, 18), (0, 25)),
    "radial": ((75, 18), (0, 15), (0, 25)),
    "ego_back": ((160, 25), (35, 14), (-18, 16)),
    "ego_palm": ((15, 25), (30, 14), (-12, 16)),
}
VIEW_WEIGHTS = {"palm": 0.35, "back": 0.2, "radial": 0.1, "ego_back": 0.2, "ego_palm": 0.15}


def rotation_from_view(view: Tensor) -> Tensor:
    """Rotations (N, 3, 3) that take a right hand's frame to the camera frame, for views (N, 3)."""
    yaw, pitch, roll = view.unbind(-1)
    about_length = _rotation(yaw, 0, 2)
    tip_away = _rotation(pitch, 2, 1)
    in_image = _rotation(roll, 0, 1)
    return in_image @ tip_away @ _FACING.to(view) @ about_length


def _rotation(angle: Tensor, first: int, second: int) -> Tensor:
    """Rotations (N, 3, 3) from axis ``first`` towards axis ``second``."""
    matrix = torch.eye(3, dtype=angle.dtype, device=angle.device).repeat(len(angle), 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = torch.cos(angle)
    matrix[:, second, first] = torch.sin(angle)
    matrix[:, first, second] = -torch.sin(angle)
    return matrix


def view_of_kind(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A random view (3,) of ``kind`` in radians."""
    means, spreads = zip(*VIEW_KINDS[kind], strict=True)
    return np.radians(np.array(means) + np.array(spreads) * rng.normal(0, 1, 3).clip(-2, 2))


def sample_views(count: int, generator: torch.Generator) -> Tensor:
    """Random views (N, 3) in radians, kinds weighted by ``VIEW_WEIGHTS``."""
    weights = torch.tensor([VIEW_WEIGHTS[kind] for kind in VIEW_KINDS])
    kinds = torch.multinomial(weights, count, replacement=True, generator=generator)
    table = torch.tensor([VIEW_KINDS[kind] for kind in VIEW_KINDS], dtype=torch.float32)[kinds]
    noise = torch.randn(count, 3, generator=generator).clamp(-2, 2)
    return torch.deg2rad(table[..., 0] + table[..., 1] * noise)

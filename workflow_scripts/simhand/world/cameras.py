"""Pinhole cameras: intrinsics, and where the second camera of a stereo recording stands."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simhand.settings.world import WorldSettings
from simhand.world.seeding import named_generator

# the second camera circles the place where hands are shown
_PIVOT_M = np.array([0.0, 0.0, 0.52])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. A point X of the recording is at ``rotation @ X + translation_m`` before it."""

    focal_px: float
    centre_px: tuple[float, float]
    rotation: np.ndarray
    translation_m: np.ndarray

    def intrinsics(self) -> np.ndarray:
        """The matrix K (3, 3): homogeneous pixel = K @ point / z."""
        return np.array(
            [[self.focal_px, 0, self.centre_px[0]], [0, self.focal_px, self.centre_px[1]], [0, 0, 1.0]]
        )


def recording_camera(settings: WorldSettings, recording: str, camera: int, egocentric: bool) -> Camera:
    """Camera 0 stands at the recording's origin; the others look at the hands from aside."""
    rng = named_generator(settings.seed, "camera", recording, camera)
    focal = settings.width_px * (rng.uniform(0.92, 1.02) if egocentric else rng.uniform(1.0, 1.15))
    centre = (settings.width_px / 2, settings.height_px / 2)
    if camera == 0:
        return Camera(focal, centre, np.eye(3), np.zeros(3))
    yaw, pitch = np.radians(rng.choice([-1, 1]) * rng.uniform(18, 30)), np.radians(rng.uniform(-8, 12))
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    rotation = about_x @ about_y
    return Camera(focal, centre, rotation, _PIVOT_M - rotation @ _PIVOT_M)


def project(points_m: Tensor, intrinsics: Tensor) -> Tensor:
    """Pixels (..., 2) of points (..., 3) in the camera frame; a pixel's centre is at integer + 0.5."""
    seen = points_m @ intrinsics.mT
    return seen[..., :2] / seen[..., 2:]


def as_tensor(values: np.ndarray) -> Tensor:
    """``values`` as float32 tensor."""
    return torch.from_numpy(np.asarray(values)).float()

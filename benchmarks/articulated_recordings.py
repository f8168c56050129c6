"""Millions of 2D hands in recordings, for benchmarks of mining: articulated and projected, not drawn."""

from dataclasses import dataclass

import numpy as np
import torch

from simhand.world.anatomy import ANGLES, MEAN_BONES_M, MEAN_ROOTS_M
from simhand.world.kinematics import pose_skeleton
from simhand.world.poses import POSE_CLASSES, pose_table, vary_angles
from simhand.world.views import rotation_from_view, sample_views

# The paper's Ego4D and 100DOH: 2 million hands of 29,000 recordings.
HANDS_PER_RECORDING = 2_000_000 / 29_000
LARGEST_RECORDING = 2171
HANDS_AT_ONCE = 65536
# From one second to the next: noise correlates, and every seventh time the hand does something else.
CORRELATION = 0.9
CHANGE = 0.15
SPREAD_DEG = 8.0
KEYPOINT_NOISE = 0.004


@dataclass(frozen=True)
class Recordings:
    """keypoints: float32 (N, 21, 2) in [0, 1] of a crop; recording: int64 (N,), ascending."""

    keypoints: np.ndarray
    recording: np.ndarray


def sample_recordings(count: int, seed: int = 0) -> Recordings:
    """``count`` hands in recordings of 1 to 2,171 hands.

    Within a recording one person's hand moves from second to second (AR(1) noise on joint angles and view)
    and now and then takes another pose class and view.
    """
    rng = np.random.default_rng(seed)
    sizes = _recording_sizes(count, rng)
    recording = np.repeat(np.arange(len(sizes)), sizes)
    noise = _correlated_noise(sizes, len(ANGLES) + 3, rng)
    changes = rng.random(count) < CHANGE
    changes[np.cumsum(sizes) - sizes] = True
    scene = np.cumsum(changes) - 1
    pose_class = rng.integers(0, len(POSE_CLASSES), scene[-1] + 1)
    generator = torch.Generator().manual_seed(seed)
    view = sample_views(scene[-1] + 1, generator)
    size = 0.88 + 0.19 * torch.rand(len(sizes), 1, 1, generator=generator)
    proportion = 1 + 0.025 * torch.randn(len(sizes), 5, 1, generator=generator)
    depth_m = 0.45 + 0.25 * torch.rand(len(sizes), 1, generator=generator)
    keypoints = np.empty((count, 21, 2), np.float32)
    for start in range(0, count, HANDS_AT_ONCE):
        rows = slice(start, start + HANDS_AT_ONCE)
        of_hand, drawn = torch.from_numpy(recording[rows]), torch.from_numpy(noise[rows])
        of_scene = torch.from_numpy(scene[rows])
        angles = pose_table()[torch.from_numpy(pose_class)[of_scene]]
        angles = vary_angles(angles, drawn[:, : len(ANGLES)], SPREAD_DEG)
        roots = torch.from_numpy(MEAN_ROOTS_M).float() * size[of_hand]
        bones = torch.from_numpy(MEAN_BONES_M).float() * (size * proportion)[of_hand]
        turned = view[of_scene] + float(np.radians(SPREAD_DEG)) * drawn[:, len(ANGLES) :]
        joints = pose_skeleton(angles, roots, bones).joints @ rotation_from_view(turned).mT
        joints = joints - joints.mean(1, keepdim=True)
        joints[..., 2] += depth_m[of_hand]
        keypoints[rows] = (2.2 * joints[..., :2] / joints[..., 2:] + 0.5).numpy()
        keypoints[rows] += KEYPOINT_NOISE * rng.standard_normal(keypoints[rows].shape, np.float32)
    return Recordings(keypoints, recording)


def _recording_sizes(count: int, rng: np.random.Generator) -> np.ndarray:
    """Log-normal sizes in [1, LARGEST_RECORDING] that sum to ``count``."""
    recordings = max(2, round(count / HANDS_PER_RECORDING))
    largest = min(LARGEST_RECORDING, count // 2)
    sizes = rng.lognormal(0.0, 1.15, recordings)
    for _ in range(50):
        sizes = np.clip(sizes * count / sizes.sum(), 1, largest)
    sizes = np.floor(sizes).astype(np.int64)
    growing = rng.permutation(np.flatnonzero(sizes < largest))
    sizes[growing[: count - sizes.sum()]] += 1
    return sizes


def _correlated_noise(sizes: np.ndarray, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal float32 (N, columns), AR(1) along each recording."""
    noise = rng.standard_normal((sizes.sum(), columns), np.float32)
    starts = np.cumsum(sizes) - sizes
    longest_first = np.argsort(-sizes, kind="stable")
    for second in range(1, sizes.max()):
        still = longest_first[: np.searchsorted(-sizes[longest_first], -second)]
        rows = starts[still] + second
        noise[rows] = CORRELATION * noise[rows - 1] + np.sqrt(1 - CORRELATION**2) * noise[rows]
    return noise

"""Hands of the rendered world whose true poses are known: from its plans alone, or found in its pictures."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
import pyarrow as pa
import torch
from clip_stages import find_hands

from simhand.files.tables import make_table
from simhand.hands.crop import into_crop, padded_window
from simhand.mining.adjacent_pairs import overlap
from simhand.settings.crops import CropsSettings
from simhand.settings.world import WorldSettings
from simhand.world.catalogue import video_ids
from simhand.world.videos import Scene, render_video

SAME_HAND = 0.5
# The mean length of a step of standard normal x and y.
MEAN_STEP = np.sqrt(np.pi / 2)


@dataclass(frozen=True)
class PosedHands:
    """N hands whose truth is known.

    hands: table ``set``. left: (N,) bool, whether the crop is mirrored. joints_m: (N, 21, 3) the true joints
    in the frame of the camera, mirrored as the crop is. joints_px: (N, 21, 2) in the picture, not mirrored.
    """

    hands: pa.Table
    left: np.ndarray
    joints_m: np.ndarray
    joints_px: np.ndarray

    @property
    def sizes_px(self) -> np.ndarray:
        """(N,) longer side of the box around each hand's joints."""
        return np.ptp(self.joints_px, axis=1).max(axis=1)

    def keypoints(self, error: float = 0.0) -> np.ndarray:
        """(N, 21, 2) the true joints in their crops, each off by ``error`` of the hand's size on average."""
        steps = np.random.default_rng(0).normal(size=self.joints_px.shape) / MEAN_STEP
        return in_crops(self.joints_px + error * self.sizes_px[:, None, None] * steps, self.left)


def small_world(recordings: int, seconds: float) -> WorldSettings:
    """A world with one frame per second and one camera per recording, a person for every two recordings."""
    people = max(1, recordings // 2)
    return WorldSettings(recordings=recordings, duration_s=seconds, fps=1, stereo_every=0, people=people)


def in_crops(joints_px: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Joints (N, 21, 2) in pixels to fractions of the crops that the workflow would cut around them."""
    keypoints = np.empty(joints_px.shape, np.float32)
    for number, joints in enumerate(joints_px):
        (x1, y1), (x2, y2) = joints.min(axis=0).tolist(), joints.max(axis=0).tolist()
        window = padded_window((x1, y1, x2, y2), CropsSettings().box_scale)
        flat = np.concatenate([joints, np.zeros((21, 1))], axis=1)
        keypoints[number] = into_crop(flat, window, bool(left[number]))[:, :2]
    return keypoints


def planned_hands(world: WorldSettings) -> PosedHands:
    """All hands that are wholly in view, without drawing them."""
    rows = [row for name in video_ids(world) for row in Scene(world, name).truth() if row["in_view"]]
    names = [row["video_id"] for row in rows]
    columns = {
        "hand_id": np.arange(len(rows)),
        "video_id": names,
        "group_id": names,
        "source": ["world"] * len(rows),
        "side": [row["side"] for row in rows],
        "crop_file": ["crops/world/0000.arrow"] * len(rows),
        "crop_row": np.arange(len(rows)),
    }
    return _posed(make_table("set", columns), rows)


def rendered_hands(world: WorldSettings, folder: Path, threads: int) -> tuple[PosedHands, np.ndarray, float]:
    """The hands that MediaPipe finds in the rendered videos, its keypoints (N, 21, 2), and their error.

    The error is the mean distance from the true joints in the picture, over the hand's size.
    """
    torch.set_num_threads(1)
    (folder / "clips").mkdir()
    truth = [
        row for name in video_ids(world) for row in render_video(world, name, folder / f"clips/{name}.mp4")
    ]
    found = find_hands(folder / "clips", folder / "run", CropsSettings(), threads)
    matched, rows = [], []
    for number, (crop, landmarks) in enumerate(zip(found.crops.to_pylist(), found.landmarks_px, strict=True)):
        same = [
            row
            for row in truth
            if (row["video_id"], row["timestamp_s"]) == (crop["video_id"], crop["timestamp_s"])
        ]
        if same:
            overlaps = overlap(_box(landmarks), np.stack([_box(_pixels(row)) for row in same]))
            if overlaps.max() > SAME_HAND:
                matched.append(number)
                rows.append(same[overlaps.argmax()])
    found = found.take(np.array(matched))
    posed = _posed(found.hands, rows)
    off_px = np.linalg.norm(found.landmarks_px - posed.joints_px, axis=-1).mean(axis=1)
    return posed, found.keypoints, float(np.mean(off_px / posed.sizes_px))


def _posed(hands: pa.Table, rows: list[dict]) -> PosedHands:
    left = np.array(hands["side"].to_pylist()) == "left"
    joints_m = np.array([row["joints_3d_m"] for row in rows]).reshape(-1, 21, 3)
    joints_m[left, :, 0] *= -1
    return PosedHands(hands, left, joints_m, np.stack([_pixels(row) for row in rows]))


def _pixels(row: dict) -> np.ndarray:
    return np.array(row["joints_2d_px"]).reshape(21, 2)


def _box(joints_px: np.ndarray) -> np.ndarray:
    return np.concatenate([joints_px.min(axis=0), joints_px.max(axis=0)])

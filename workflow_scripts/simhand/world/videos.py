"""Rendered videos and their truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simhand.settings.world import WorldSettings
from simhand.world.anatomy import Person, sample_person
from simhand.world.backgrounds import clutter
from simhand.world.cameras import Camera, as_tensor, project, recording_camera
from simhand.world.catalogue import recording_of, split_video_id
from simhand.world.encode import write_h264
from simhand.world.kinematics import Skeleton, pose_skeleton, stack_skeletons
from simhand.world.motion import HandTrack, Recording, plan_recording, present, state_at
from simhand.world.render import Layers, composite, render_hands
from simhand.world.seeding import named_generator
from simhand.world.shading import Lighting
from simhand.world.views import rotation_from_view

# rendered together: enough work per operation, few enough for a processor's cache or a GPU's memory
_FRAMES_AT_ONCE = {"cpu": 4, "cuda": 32}
_BACKGROUND_MARGIN = 0.15


def render_video(settings: WorldSettings, video_id: str, path: Path | str) -> list[dict[str, Any]]:
    """Render ``video_id`` to MP4 file ``path``; returns the rows of its truth (table ``truth``).

    The picture and the truth follow from the settings and the id alone. A hand has a row in every
    frame that shows at least one of its joints.
    """
    scene = Scene(settings, video_id)
    write_h264(path, scene.frames(), settings.width_px, settings.height_px, settings.fps, settings.crf)
    return scene.truth()


class Scene:
    """One video, planned: every hand in every frame, before the camera."""

    def __init__(self, settings: WorldSettings, video_id: str) -> None:
        number, camera_number = split_video_id(video_id)
        self.settings, self.video_id = settings, video_id
        self.recording: Recording = plan_recording(settings, number)
        self.camera: Camera = recording_camera(
            settings, recording_of(video_id), camera_number, self.recording.egocentric
        )
        self.person: Person = sample_person(settings.seed, self.recording.person)
        self.frame_count = round(settings.duration_s * settings.fps)
        self.hands = [self._place(track) for track in self.recording.tracks]

    def _place(self, track: HandTrack) -> "PlacedHand":
        times = np.arange(self.frame_count) / self.settings.fps
        frames = np.nonzero(present(track, times))[0]
        state = state_at(track, times[frames])
        skeleton = pose_skeleton(state.angles, as_tensor(self.person.roots_m), as_tensor(self.person.bones_m))
        skeleton = skeleton.moved(rotation_from_view(state.views), torch.zeros(len(frames), 3))
        skeleton = skeleton.mirrored(torch.full((len(frames),), track.side == "left"))
        still = torch.eye(3).expand(len(frames), 3, 3)
        skeleton = skeleton.moved(still, state.places_m - skeleton.joints.mean(1))
        turn = as_tensor(self.camera.rotation).expand(len(frames), 3, 3)
        skeleton = skeleton.moved(turn, as_tensor(self.camera.translation_m).expand(len(frames), 3))
        joints_px = project(skeleton.joints, as_tensor(self.camera.intrinsics()))
        size = torch.tensor([self.settings.width_px, self.settings.height_px])
        inside = ((joints_px >= 0) & (joints_px < size)).all(-1)
        return PlacedHand(track.side, frames.tolist(), skeleton, joints_px, inside, state.classes)

    def truth(self) -> list[dict[str, Any]]:
        """Rows of table ``truth``, by frame, then side."""
        rows = [
            {
                "video_id": self.video_id,
                "recording": self.recording.name,
                "person": self.person.name,
                "frame_index": frame,
                "timestamp_s": frame / self.settings.fps,
                "side": hand.side,
                "pose_class": hand.classes[i],
                "joints_3d_m": hand.skeleton.joints[i].reshape(-1).tolist(),
                "joints_2d_px": hand.joints_px[i].reshape(-1).tolist(),
                "in_view": bool(hand.inside[i].all()),
            }
            for hand in self.hands
            for i, frame in enumerate(hand.frames)
            if hand.inside[i].any()
        ]
        return sorted(rows, key=lambda row: (row["frame_index"], row["side"]))

    def frames(self, numbers: Sequence[int] | None = None) -> Iterator[np.ndarray]:
        """Yield all frames, or those of ``numbers``, each (height_px, width_px, 3) uint8 RGB."""
        numbers = range(self.frame_count) if numbers is None else numbers
        at_once = _FRAMES_AT_ONCE[self.settings.device]
        backdrop = Backdrop(self.settings, self.video_id, self.recording.egocentric)
        for first in range(0, len(numbers), at_once):
            batch = numbers[first : first + at_once]
            shown = [
                (hand, row, frame)
                for hand in self.hands
                for row, frame in enumerate(hand.frames)
                if frame in batch
            ]
            layers = self._render([(hand, row) for hand, row, _ in shown])
            for number in batch:
                picture = backdrop.at(number).to(self.settings.device)
                if layers is not None:
                    mine = [place for place, (_, _, frame) in enumerate(shown) if frame == number]
                    picture = composite(layers, mine, picture, backdrop.shadow)
                yield backdrop.expose(picture.cpu().numpy(), number)

    def _lighting(self) -> Lighting:
        lamp = self.recording.lighting
        return Lighting(self.camera.rotation @ lamp.direction, lamp.key_rgb, lamp.sky_rgb, lamp.ground_rgb)

    def _render(self, shown: list[tuple["PlacedHand", int]]) -> Layers | None:
        if not shown:
            return None
        count = len(shown)
        return render_hands(
            stack_skeletons([hand.skeleton for hand, _ in shown], [row for _, row in shown]),
            [self.person] * count,
            [self._lighting()] * count,
            torch.full((count,), self.camera.focal_px),
            torch.tensor([self.camera.centre_px] * count),
            self.settings.width_px,
            self.settings.height_px,
            self.settings.device,
        )


@dataclass(frozen=True)
class PlacedHand:
    """One hand before the camera in the F frames where it exists.

    frames: (F,) frame numbers; skeleton: F hands, camera frame; joints_px: (F, 21, 2);
    inside: (F, 21) whether a joint lies in the picture; classes: pose class per frame.
    """

    side: str
    frames: list[int]
    skeleton: Skeleton
    joints_px: Tensor
    inside: Tensor
    classes: list[str]


class Backdrop:
    """The place behind the hands, panned by a worn camera's sway, and the sensor in front."""

    def __init__(self, settings: WorldSettings, video_id: str, egocentric: bool) -> None:
        self._rng_seed, self._video_id = settings.seed, video_id
        self._size = np.array([settings.width_px, settings.height_px])
        self._fps = settings.fps
        rng = named_generator(settings.seed, "backdrop", video_id)
        margin = (self._size * _BACKGROUND_MARGIN).astype(int)
        width, height = self._size + 2 * margin
        self._picture = torch.from_numpy(clutter(int(width), int(height), rng))
        self._reach = margin * (0.9 if egocentric else 0.06)
        self._middle, self._phases = margin, rng.uniform(0, 2 * np.pi, 4)
        self._grain = rng.uniform(0.003, 0.010)
        self.shadow = float(rng.choice([0.0, 0.35, 0.5]))

    def at(self, frame: int) -> Tensor:
        """The background of ``frame``, (height, width, 3)."""
        t = frame / self._fps
        slow = np.sin(np.array([0.7, 0.5]) * t + self._phases[:2])
        fast = np.sin(np.array([1.9, 2.3]) * t + self._phases[2:])
        sway = 0.7 * slow + 0.3 * fast
        x, y = (self._middle + self._reach * sway).round().astype(int)
        return self._picture[y : y + self._size[1], x : x + self._size[0]]

    def expose(self, picture: np.ndarray, frame: int) -> np.ndarray:
        """Add the sensor's grain and round to bytes."""
        rng = named_generator(self._rng_seed, "grain", self._video_id, frame)
        grain = rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None] * self._grain
        return ((picture + grain).clip(0, 1) * 255 + 0.5).astype(np.uint8)

"""A rendered labelled set in the file layout of AssemblyHands v1-1, egocentric: two hands, two cameras.

As in AssemblyHands: grey images, joints in millimetres in a world frame, tip to base and wrist last, the
right hand's before the left's; cameras that move with the head, so that every frame has its own. The
world's training and evaluation counts are rounded up to whole recordings.
"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from simhand.files.atomic import atomic_path
from simhand.settings.world import WorldSettings
from simhand.world.backgrounds import clutter
from simhand.world.cameras import as_tensor, project
from simhand.world.labelled_scenes import (
    JPEG_QUALITY,
    SeenHand,
    exposed,
    fixed_camera,
    moved,
    plan_scene,
    render_scene,
)
from simhand.world.pool import ordered_map
from simhand.world.render import composite
from simhand.world.seeding import named_generator

SIZE_PX = (480, 636)
CAMERAS = ("HMC_84346135", "HMC_84347414")
MIN_FRAMES = 3
# plots with two hands, seen as one sees one's own
_RECORDINGS = {"train": (1, 19), "val": (7, 13)}
_FIRST_FRAME, _FRAME_STEP = 300, 2
_SUFFIX = "_mono10bit"
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# where each of their joints is in ours: of every finger tip first, the wrist last
_FROM_WRIST_FIRST = [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17, 0]
_BOX_MARGIN = 1.2
_DIM = 0.45


@dataclass(frozen=True)
class _Annotations:
    """What one recording adds to the three files of its split."""

    sequence: str
    images: list[dict[str, Any]]
    hands: list[dict[str, Any]]
    intrinsics: dict[str, Any]
    extrinsics: dict[str, Any]
    joints: dict[str, Any]


def render_assemblyhands(settings: WorldSettings, out_dir: Path | str, threads: int = 1) -> None:
    """Write the labelled set to folder ``out_dir``, which appears only when complete."""
    with atomic_path(out_dir) as folder:
        for split, numbers in _RECORDINGS.items():
            work = partial(_write_recording, settings, folder, split)
            used = 1 if settings.device == "cuda" else threads
            _write_annotations(folder / "annotations" / split, split, list(ordered_map(work, numbers, used)))
        _write_skeleton(folder / "annotations/skeleton.txt")


def _frames(settings: WorldSettings, split: str) -> int:
    hands = settings.labels.unique_training if split == "train" else settings.labels.evaluation
    return max(-(-hands // (len(_RECORDINGS[split]) * len(CAMERAS) * 2)), MIN_FRAMES)


def _head(settings: WorldSettings, number: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """How the head has turned and moved in a frame: a point X of the recording is at R X + t before it."""
    phase = named_generator(settings.seed, "head", number).uniform(0, 2 * np.pi, 4)
    yaw, pitch = np.radians([3.0, 2.0]) * np.sin(0.8 * frame + phase[:2])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return about_x @ about_y, 0.01 * np.array([*np.sin(0.5 * frame + phase[2:]), 0.0])


def _world_frame(settings: WorldSettings, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The world frame: a point X of the recording has the coordinates Q X + q there."""
    rng = named_generator(settings.seed, "world frame", number)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation)), rng.uniform(-1, 1, 3)


def _write_recording(settings: WorldSettings, folder: Path, split: str, number: int) -> _Annotations:
    frames = _frames(settings, split)
    sized = settings.model_copy(update={"width_px": SIZE_PX[0], "height_px": SIZE_PX[1]})
    scene = plan_scene(sized, f"assemblyhands {split} {number}", number, frames)
    sequence = f"rendered_action_both_rec{number:02d}"
    cameras = {
        name: fixed_camera(settings, "assemblyhands", place, SIZE_PX) for place, name in enumerate(CAMERAS)
    }
    found = _Annotations(
        sequence,
        [],
        [],
        {name + _SUFFIX: camera.intrinsics().tolist() for name, camera in cameras.items()},
        {},
        {},
    )
    turn, shift = _world_frame(settings, number)
    for frame in range(frames):
        hands = scene.in_frame(frame)
        key = f"{_FIRST_FRAME + _FRAME_STEP * frame:06d}"
        found.joints[key] = _world_joints(hands, turn, shift)
        found.extrinsics[key] = {}
        head_turn, head_shift = _head(settings, number, frame)
        for name, camera in cameras.items():
            rotation = camera.rotation @ head_turn
            translation = camera.rotation @ head_shift + camera.translation_m
            to_camera = rotation @ turn.T
            place = np.column_stack([to_camera, 1000 * (translation - to_camera @ shift)])
            found.extrinsics[key][name + _SUFFIX] = place.tolist()
            path = f"ego_images_rectified/{split}/{sequence}/{name}{_SUFFIX}/{key}.jpg"
            rng = named_generator(settings.seed, "assemblyhands", number, name, frame)
            skeletons = [moved(hand.skeleton, rotation, translation) for hand in hands]
            picture = _DIM * clutter(
                *SIZE_PX, named_generator(settings.seed, "assemblyhands room", number, name)
            )
            if hands:
                layers = render_scene(
                    scene, skeletons, [rotation] * len(hands), camera, SIZE_PX, settings.device
                )
                room = torch.from_numpy(picture).to(settings.device)
                picture = composite(layers, list(range(len(hands))), room).cpu().numpy()
            (folder / "images" / path).parent.mkdir(parents=True, exist_ok=True)
            grey = Image.fromarray(exposed(picture, rng)).convert("L")
            grey.save(folder / "images" / path, quality=JPEG_QUALITY)
            found.images.append(
                {
                    "file_name": path,
                    "width": SIZE_PX[0],
                    "height": SIZE_PX[1],
                    "seq_name": sequence,
                    "camera": name,
                    "frame_idx": int(key),
                }
            )
            pixels = [project(one.joints[0], as_tensor(camera.intrinsics())).numpy() for one in skeletons]
            found.hands.append(_boxes(hands, pixels))
    return found


def _world_joints(hands: list[SeenHand], turn: np.ndarray, shift: np.ndarray) -> dict[str, Any]:
    """Both hands in the world, millimetres; a hand that is not there is all zero and not valid."""
    coordinates, valid = np.zeros((2, 21, 3)), np.zeros((2, 21), dtype=int)
    for hand in hands:
        side = int(hand.side == "left")
        joints = hand.skeleton.joints[0].double().numpy()[_FROM_WRIST_FIRST]
        coordinates[side], valid[side] = 1000 * (joints @ turn.T + shift), 1
    return {"world_coord": coordinates.reshape(42, 3).tolist(), "joint_valid": valid.ravel().tolist()}


def _boxes(hands: list[SeenHand], pixels: list[np.ndarray]) -> dict[str, Any]:
    """Box (x1 y1 x2 y2, or None) of each side and the 42 joints' validity: those in the picture."""
    boxes: dict[str, list[float] | None] = {"right": None, "left": None}
    valid = np.zeros((2, 21), dtype=int)
    for hand, points in zip(hands, pixels, strict=True):
        inside = ((points >= 0) & (points < np.array(SIZE_PX))).all(-1)
        valid[int(hand.side == "left")] = inside[_FROM_WRIST_FIRST]
        if inside.any():
            low, high = points[inside].min(0), points[inside].max(0)
            middle, half = (low + high) / 2, _BOX_MARGIN * (high - low) / 2
            boxes[hand.side] = [*(middle - half).tolist(), *(middle + half).tolist()]
    return {"bbox": boxes, "joint_valid": valid.ravel().tolist()}


def _write_annotations(folder: Path, split: str, recordings: list[_Annotations]) -> None:
    folder.mkdir(parents=True)
    images = [image for recording in recordings for image in recording.images]
    hands = [hands for recording in recordings for hands in recording.hands]
    files = {
        "ego_data": {
            "images": [{"id": number, **image} for number, image in enumerate(images)],
            "annotations": [{"id": n, "image_id": n, **found} for n, found in enumerate(hands)],
        },
        "ego_calib": {
            "calibration": {
                one.sequence: {"intrinsics": one.intrinsics, "extrinsics": one.extrinsics}
                for one in recordings
            }
        },
        "joint_3d": {"annotations": {one.sequence: one.joints for one in recordings}},
    }
    for name, content in files.items():
        (folder / f"assemblyhands_{split}_{name}_v1-1.json").write_text(json.dumps(content))


def _write_skeleton(path: Path) -> None:
    """Name, number and parent of every joint, one line each."""
    lines = ["# name id parent"]
    for side, offset in (("right", 0), ("left", 21)):
        for finger, name in enumerate(_FINGERS):
            for joint in range(4):
                number = offset + 4 * finger + joint
                parent = number + 1 if joint < 3 else offset + 20
                lines.append(f"{name}{3 - joint}_{side} {number} {parent}")
        lines.append(f"wrist_{side} {offset + 20} -1")
    path.write_text("\n".join(lines) + "\n")

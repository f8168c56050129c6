"""A rendered labelled set in DexYCB's file layout: ten subjects, right and left hands, two cameras.

As in DexYCB: metres in the frame of the camera, pixels whose first one is centred on 0, -1 where there is no
hand, ``seg`` 255 on the hand. There are no objects, and no parameters of the hand model MANO (all zero, as
DexYCB writes it where they are absent). The world's training and evaluation counts are rounded up to whole
sequences of the subjects that setup s1 trains on and tests on.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image

from simhand.datasets.dexycb_splits import RENDERED, SERIALS, SUBJECTS, split_indices
from simhand.files.atomic import atomic_path
from simhand.settings.world import WorldSettings
from simhand.world.backgrounds import clutter
from simhand.world.cameras import Camera, as_tensor, project
from simhand.world.labelled_scenes import (
    AT_ONCE,
    JPEG_QUALITY,
    LabelledScene,
    exposed,
    fixed_camera,
    moved,
    plan_scene,
    render_scene,
)
from simhand.world.pool import ordered_map
from simhand.world.render import Layers, composite
from simhand.world.seeding import named_generator

SIZE_PX = (640, 480)
MIN_FRAMES = 3
# plots with one hand: right, left, right, left, so that both sides are learnt and tested
_PLOTS = (0, 2, 6, 4)
_EXTRINSICS = "rendered"
_HAND = 255


def render_dexycb(settings: WorldSettings, out_dir: Path | str, threads: int = 1) -> None:
    """Write the labelled set to folder ``out_dir``, which appears only when complete."""
    with atomic_path(out_dir) as folder:
        _write_calibration(settings, folder)
        recordings = [
            (subject, camera) for subject in range(len(SUBJECTS)) for camera in range(RENDERED.cameras)
        ]
        for subject in range(len(SUBJECTS)):
            _write_sequence_files(settings, folder, subject)
        work = partial(_write_recording, settings, folder)
        list(ordered_map(work, recordings, 1 if settings.device == "cuda" else threads))


def sequence_folder(subject: int) -> str:
    """The folder of a subject's one sequence, below the root."""
    return f"{SUBJECTS[subject]}/{SUBJECTS[subject][:8]}_120000"


def _frames(settings: WorldSettings, subject: int) -> int:
    tested = split_indices("s1", "test", RENDERED).subjects
    hands = settings.labels.evaluation if subject in tested else settings.labels.unique_training
    subjects = len(tested) if subject in tested else len(split_indices("s1", "train", RENDERED).subjects)
    return max(-(-hands // (subjects * RENDERED.cameras)), MIN_FRAMES)


def _plan(settings: WorldSettings, subject: int) -> LabelledScene:
    number = 8 * (subject // len(_PLOTS)) + _PLOTS[subject % len(_PLOTS)]
    sized = settings.model_copy(update={"width_px": SIZE_PX[0], "height_px": SIZE_PX[1]})
    return plan_scene(sized, SUBJECTS[subject], number, _frames(settings, subject))


def _camera(settings: WorldSettings, number: int) -> Camera:
    return fixed_camera(settings, "dexycb", number, SIZE_PX)


def _write_calibration(settings: WorldSettings, folder: Path) -> None:
    calibration = folder / "calibration"
    extrinsics = {}
    for number in range(RENDERED.cameras):
        camera = _camera(settings, number)
        x, y = camera.centre_px
        colour = {"fx": camera.focal_px, "fy": camera.focal_px, "ppx": x - 0.5, "ppy": y - 0.5}
        name = f"{SERIALS[number]}_{SIZE_PX[0]}x{SIZE_PX[1]}.yml"
        _write_yaml(calibration / "intrinsics" / name, {"color": {k: float(v) for k, v in colour.items()}})
        to_master = np.column_stack([camera.rotation.T, -camera.rotation.T @ camera.translation_m])
        extrinsics[SERIALS[number]] = to_master.ravel().tolist()
    content = {"extrinsics": extrinsics, "master": SERIALS[0]}
    _write_yaml(calibration / f"extrinsics_{_EXTRINSICS}" / "extrinsics.yml", content)
    for subject in SUBJECTS:
        _write_yaml(calibration / f"mano_{subject}" / "mano.yml", {"betas": [0.0] * 10})


def _write_sequence_files(settings: WorldSettings, folder: Path, subject: int) -> None:
    frames = _frames(settings, subject)
    sequence = folder / sequence_folder(subject)
    sides = {hand.side for hand in _plan(settings, subject).hands}
    meta = {
        "serials": list(SERIALS[: RENDERED.cameras]),
        "num_frames": frames,
        "ycb_ids": [],
        "ycb_grasp_ind": 0,
        "mano_sides": sorted(sides),
        "mano_calib": [SUBJECTS[subject]],
        "extrinsics": _EXTRINSICS,
    }
    _write_yaml(sequence / "meta.yml", meta)
    np.savez_compressed(
        sequence / "pose.npz",
        pose_y=np.zeros((frames, 0, 7), dtype=np.float32),
        pose_m=np.zeros((frames, 1, 51), dtype=np.float32),
    )


def _write_yaml(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _write_recording(settings: WorldSettings, folder: Path, recording: tuple[int, int]) -> None:
    """Every frame of one subject's sequence as one camera sees it."""
    subject, number = recording
    camera = _camera(settings, number)
    scene = _plan(settings, subject)
    out = folder / sequence_folder(subject) / SERIALS[number]
    out.mkdir(parents=True)
    background = clutter(*SIZE_PX, named_generator(settings.seed, "dexycb background", subject, number))
    place = torch.from_numpy(background).to(settings.device)
    frames = _frames(settings, subject)
    for first in range(0, frames, AT_ONCE):
        hands = [hand for hand in scene.hands if first <= hand.frame < first + AT_ONCE]
        skeletons = [moved(hand.skeleton, camera.rotation, camera.translation_m) for hand in hands]
        layers = None
        if hands:
            layers = render_scene(
                scene, skeletons, [camera.rotation] * len(hands), camera, SIZE_PX, settings.device
            )
        for frame in range(first, min(first + AT_ONCE, frames)):
            rows = [row for row, hand in enumerate(hands) if hand.frame == frame]
            picture = composite(layers, rows, place, 0.3) if layers is not None else place
            grain = named_generator(settings.seed, "dexycb grain", subject, number, frame)
            image = Image.fromarray(exposed(picture.cpu().numpy(), grain))
            image.save(out / f"color_{frame:06d}.jpg", quality=JPEG_QUALITY)
            joints = skeletons[rows[0]].joints[0] if rows else None
            _write_labels(out, frame, joints, camera, layers, rows)


def _write_labels(
    out: Path,
    frame: int,
    joints: torch.Tensor | None,
    camera: Camera,
    layers: Layers | None,
    rows: list[int],
) -> None:
    """Joints, segmentation and depth of one frame."""
    shape = SIZE_PX[::-1]
    seg, depth = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint16)
    joint_3d = np.full((1, 21, 3), -1, dtype=np.float32)
    joint_2d = np.full((1, 21, 2), -1, dtype=np.float32)
    if joints is not None and layers is not None:
        hand = layers.coverage[rows[0]].cpu().numpy() > 0.5
        seg[hand] = _HAND
        depth[hand] = (1000 * layers.depth_m[rows[0]].cpu().numpy()[hand]).round().astype(np.uint16)
        joint_3d[0] = joints.numpy()
        joint_2d[0] = project(joints, as_tensor(camera.intrinsics())).numpy() - 0.5
    np.savez_compressed(
        out / f"labels_{frame:06d}.npz",
        seg=seg,
        pose_y=np.zeros((0, 3, 4), dtype=np.float32),
        pose_m=np.zeros((1, 51), dtype=np.float32),
        joint_3d=joint_3d,
        joint_2d=joint_2d,
    )
    Image.fromarray(depth).save(out / f"aligned_depth_to_color_{frame:06d}.png")

"""A rendered labelled set in the file layout of FreiHAND v2: right hands, metres, square images.

training/rgb/%08d.jpg, evaluation/rgb/%08d.jpg, {training,evaluation}_{K,xyz,scale}.json. As in
FreiHAND, image ``id + unique * v`` shows hand ``id`` in background version ``v``; annotations are
listed once per unique hand; version 0 is the green screen it was recorded before.
"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from simhand.files.atomic import atomic_path
from simhand.settings.world import WorldSettings
from simhand.world.anatomy import ANGLES, sample_person
from simhand.world.backgrounds import clutter, green_screen
from simhand.world.cameras import as_tensor
from simhand.world.kinematics import Skeleton, pose_skeleton, stack_skeletons
from simhand.world.pool import ordered_map
from simhand.world.poses import POSE_CLASSES, pose_table, vary_angles
from simhand.world.render import Layers, composite, render_hands
from simhand.world.seeding import named_generator
from simhand.world.shading import sample_lighting
from simhand.world.views import VIEW_WEIGHTS, rotation_from_view, view_of_kind

PEOPLE = {"training": 24, "evaluation": 8}
_JPEG_QUALITY = 95
_BATCH = 4  # rendered together, which is faster


@dataclass(frozen=True)
class LabelledHand:
    """One annotation. K (3, 3) pixels; xyz_m (21, 3) metres, camera frame; pose class; person."""

    intrinsics: np.ndarray
    xyz_m: np.ndarray
    pose_class: str
    person: str
    skeleton: Skeleton

    @property
    def scale_m(self) -> float:
        """Length of the middle finger's proximal bone, FreiHAND's unit of size."""
        return float(np.linalg.norm(self.xyz_m[9] - self.xyz_m[10]))


def render_labelled_set(settings: WorldSettings, out_dir: Path | str, threads: int = 1) -> None:
    """Write the labelled set to folder ``out_dir``, which appears only when complete."""
    labels = settings.labels
    counts = {"training": labels.unique_training, "evaluation": labels.evaluation}
    with atomic_path(out_dir) as partial_dir:
        for split in counts:
            (partial_dir / split / "rgb").mkdir(parents=True)
        if labels.masks:
            (partial_dir / "training" / "mask").mkdir()
        for split, count in counts.items():
            work = partial(_render_batch, settings, partial_dir, split, count)
            batches = ordered_map(work, range(0, count, _BATCH), 1 if settings.device == "cuda" else threads)
            _write_annotations(partial_dir, split, [hand for batch in batches for hand in batch][:count])


def plan_labelled_hand(settings: WorldSettings, split: str, number: int) -> LabelledHand:
    """Hand ``number`` of ``split``, before rendering; a function of the seed, split and number."""
    rng = named_generator(settings.seed, "label", split, number)
    size_px = settings.labels.image_size_px
    person = sample_person(settings.seed, f"{split}{int(rng.integers(PEOPLE[split])):02d}")
    pose_class = POSE_CLASSES[int(rng.integers(len(POSE_CLASSES)))]
    noise = torch.from_numpy(rng.normal(0, 1, (1, len(ANGLES)))).float()
    angles = vary_angles(pose_table()[[POSE_CLASSES.index(pose_class)]], noise, spread_deg=7.0)
    kind = str(rng.choice(list(VIEW_WEIGHTS), p=list(VIEW_WEIGHTS.values())))
    view = torch.from_numpy(view_of_kind(kind, rng)).float()[None]
    skeleton = pose_skeleton(angles, as_tensor(person.roots_m), as_tensor(person.bones_m))
    skeleton = skeleton.moved(rotation_from_view(view), torch.zeros(1, 3))
    depth = rng.uniform(0.55, 0.85)
    # near the middle of the image, as FreiHAND's crops have it
    focal = size_px * rng.uniform(2.0, 2.3) * depth / 0.7
    place = np.array([*(rng.normal(0, 0.035, 2).clip(-0.07, 0.07) * size_px * depth / focal), depth])
    middle = (skeleton.joints.amin(1) + skeleton.joints.amax(1)) / 2
    skeleton = skeleton.moved(torch.eye(3)[None], as_tensor(place) - middle)
    intrinsics = np.array([[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1.0]])
    return LabelledHand(intrinsics, skeleton.joints[0].double().numpy(), pose_class, person.name, skeleton)


def _render_batch(
    settings: WorldSettings, folder: Path, split: str, count: int, first: int
) -> list[LabelledHand]:
    """Render the hands from ``first`` on, always a whole batch: rounding must not depend on ``count``."""
    size_px = settings.labels.image_size_px
    numbers = range(first, first + _BATCH)
    hands = [plan_labelled_hand(settings, split, number) for number in numbers]
    intrinsics = as_tensor(np.stack([hand.intrinsics for hand in hands]))
    layers = render_hands(
        stack_skeletons([hand.skeleton for hand in hands], [0] * _BATCH),
        [sample_person(settings.seed, hand.person) for hand in hands],
        [sample_lighting(named_generator(settings.seed, "label light", split, number)) for number in numbers],
        intrinsics[:, 0, 0],
        intrinsics[:, :2, 2],
        size_px,
        size_px,
        settings.device,
    )
    for row, number in enumerate(numbers[: count - first]):
        _write_images(settings, folder, split, number, layers, row)
    return hands


def _write_images(
    settings: WorldSettings, folder: Path, split: str, number: int, layers: Layers, row: int
) -> None:
    labels = settings.labels
    for version in range(labels.background_versions if split == "training" else 1):
        rng = named_generator(settings.seed, "label background", split, number, version)
        picture = _version(layers, row, split == "training" and version == 0, rng)
        name = f"{number + labels.unique_training * version:08d}.jpg"
        Image.fromarray(picture).save(folder / split / "rgb" / name, quality=_JPEG_QUALITY)
    if labels.masks and split == "training":
        mask = (layers.coverage[row].cpu().numpy() > 0.5).astype(np.uint8) * 255
        Image.fromarray(mask).save(folder / split / "mask" / f"{number:08d}.jpg", quality=_JPEG_QUALITY)


def _version(layers: Layers, row: int, green: bool, rng: np.random.Generator) -> np.ndarray:
    """A hand before one background: the green screen, or clutter in changing light."""
    size_px = layers.coverage.shape[-1]
    background = (green_screen if green else clutter)(size_px, size_px, rng)
    picture = composite(
        layers, [row], torch.from_numpy(background).to(layers.rgb.device), float(rng.choice([0.0, 0.3]))
    )
    values = picture.cpu().numpy()
    if not green:
        values = values * rng.uniform(0.85, 1.12) * rng.normal(1, 0.03, 3)
    values = values + rng.normal(0, 0.008, (size_px, size_px, 1))
    return (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _write_annotations(folder: Path, split: str, hands: list[LabelledHand]) -> None:
    columns = {
        "K": [hand.intrinsics.tolist() for hand in hands],
        "xyz": [hand.xyz_m.tolist() for hand in hands],
        "scale": [hand.scale_m for hand in hands],
    }
    for name, values in columns.items():
        (folder / f"{split}_{name}.json").write_text(json.dumps(values))

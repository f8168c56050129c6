"""A small labelled set in FreiHAND's file layout: hands as discs and lines, with known joints."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE_PX = 96
UNIQUE, VERSIONS, EVALUATION = 8, 2, 4


def random_hands(count: int, seed: int) -> np.ndarray:
    """Joints (count, 21, 3), metres, camera frame: five straight, spread fingers, turned at random."""
    rng = np.random.default_rng(seed)
    hands = np.zeros((count, 21, 3))
    for hand in hands:
        for finger in range(5):
            angle = np.radians(-40 + 20 * finger + rng.uniform(-5, 5))
            direction = np.array([np.sin(angle), -np.cos(angle), rng.uniform(-0.4, 0.4)])
            reach = (
                np.array([0.045, 0.07, 0.09, 0.105]) if finger == 0 else np.array([0.09, 0.125, 0.15, 0.17])
            )
            hand[1 + 4 * finger : 5 + 4 * finger] = reach[:, None] * direction * rng.uniform(0.9, 1.1)
        turn = np.radians(rng.uniform(-20, 20))
        rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        hand[:] = hand @ rotation.T + [
            rng.uniform(-0.01, 0.01),
            rng.uniform(0.04, 0.1),
            rng.uniform(0.6, 0.8),
        ]
    return hands


def draw_hand(joints_2d: np.ndarray, background: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX), background)
    pen = ImageDraw.Draw(picture)
    for joint, (x, y) in enumerate(joints_2d):
        radius = 5 if joint == 0 else 3
        shade = (250 - 9 * joint, 40 + 10 * joint, 60 + (joint * 53) % 190)
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=shade)
    return picture


def write_split(root: Path, split: str, count: int, versions: int, seed: int) -> None:
    joints = random_hands(count, seed)
    intrinsics = np.tile(
        np.array([[150.0, 0, SIDE_PX / 2], [0, 147.0, SIDE_PX / 2 + 2], [0, 0, 1]]), (count, 1, 1)
    )
    projected = joints @ np.swapaxes(intrinsics, 1, 2)
    (root / split / "rgb").mkdir(parents=True)
    for version in range(versions):
        for row in range(count):
            picture = draw_hand(projected[row, :, :2] / projected[row, :, 2:], (30 + 90 * version, 60, 30))
            picture.save(root / split / "rgb" / f"{row + count * version:08d}.jpg", quality=95)
    scale = np.linalg.norm(joints[:, 10] - joints[:, 9], axis=-1)
    for name, values in {"K": intrinsics, "xyz": joints, "scale": scale}.items():
        (root / f"{split}_{name}.json").write_text(json.dumps(values.tolist()))

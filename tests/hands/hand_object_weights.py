"""A checkpoint in the published format with made-up weights, and an image: what the golden file holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SPREAD = {
    "bbox_pred": 0.03,
    "cls_score": 0.3,
    "RPN_Conv": 1.0,
    "conv": 1.3,
    "downsample": 1.3,
    "extension": 1.0,
}
SCALE = 0.5
MIN_SCORE = 0.2


def names_and_shapes() -> dict[str, tuple[int, ...]]:
    """The tensors of the published network, as the public source makes them."""
    lines = (Path(__file__).parent / "hand_object_names.txt").read_text().splitlines()
    rows = [line.partition(" ") for line in lines]
    return {name: tuple(int(size) for size in shape.split(",") if size) for name, _, shape in rows}


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights of these names and shapes that keep activations alive, the same on every machine."""
    random = np.random.default_rng(2020)
    return {name: torch.from_numpy(_random_tensor(random, name, shape)) for name, shape in shapes.items()}


def _random_tensor(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.array(0)
    noise = np.float32(3.46) * (random.random(shape, dtype=np.float32) - np.float32(0.5))
    if name.endswith("running_var"):
        return 1 + 0.1 * np.abs(noise)
    if len(shape) == 1:
        return 0.7 + 0.1 * noise if name.endswith("weight") else 0.05 * noise
    if len(shape) == 2:  # features are positive: without this, all regions would be of one class
        noise -= noise.mean(axis=1, keepdims=True)
    spread = next((value for part, value in SPREAD.items() if part in name), 0.6)
    return noise * np.float32(spread / np.sqrt(np.prod(shape[1:])))


def random_image() -> Tensor:
    """A network input of 192 by 128 pixels: coloured tiles."""
    tiles = 255 * np.random.default_rng(100).random((3, 8, 12), dtype=np.float32) - 110
    return torch.from_numpy(tiles.repeat(16, axis=1).repeat(16, axis=2)[None])


def random_regions() -> dict[str, np.ndarray]:
    """Made-up outputs of the network for an input of 192 by 128 pixels, of every side and contact state."""
    random = np.random.default_rng(7)
    count = 150
    corners = random.uniform(0, (150, 90), (count, 2))
    logits = random.normal(0, 2, (count, 3))
    made = {
        "boxes": np.hstack([corners, np.minimum(corners + random.uniform(5, 80, (count, 2)), (191, 127))]),
        "scores": np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
        "offsets": random.normal(0, 1, (count, 3, 4)),
        "contact": random.normal(0, 1, (count, 5)),
        "towards_object": random.normal(0, 0.1, (count, 3)),
        "side": random.normal(0, 1, count),
    }
    return {name: values.astype(np.float32) for name, values in made.items()}


def save_checkpoint(path: Path, weights: Mapping[str, Tensor], **changes: Any) -> Path:
    """A file as the public training script writes it; ``changes`` replace entries."""
    about = {"session": 1, "epoch": 9, "optimizer": {}, "pooling_mode": "align", "class_agnostic": False}
    # the published files are older than torch's zip format
    torch.save(about | {"model": weights} | changes, path, _use_new_zipfile_serialization=False)
    return path

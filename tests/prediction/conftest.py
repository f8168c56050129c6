"""A model with random weights, hands at known places, and pictures of nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from simhand.finetuning.detnet import DetNet
from simhand.finetuning.outputs import FinetunedModel, load_checkpoint, write_checkpoint
from simhand.hands.detector import DetectedHand
from simhand.settings.finetune import FinetuneSettings

BONE_M = 0.093
SMALL = {"encoder": "resnet18", "head_width": 8, "input_px": 64}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a small model with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "checkpoint.pt"
    settings = FinetuneSettings.model_validate(SMALL)
    write_checkpoint(path, DetNet("resnet18", 8, 64), settings, 1, BONE_M, 2.0)
    return path


@pytest.fixture
def model(checkpoint: Path) -> FinetunedModel:
    return load_checkpoint(checkpoint)


@pytest.fixture
def told_hand() -> Callable[..., DetectedHand]:
    """Makes a hand at a place, its landmarks a fan above the wrist."""

    def make(x: float = 60, y: float = 50, side: str = "right", size: float = 40) -> DetectedHand:
        rng = np.random.default_rng(7)
        points = rng.uniform(0, size, (21, 2))
        points[:2] = (0, 0), (size, size)
        landmarks = np.column_stack([points + [x, y], np.zeros(21)]).astype(np.float32)
        return DetectedHand((x, y, x + size, y + size), side, 0.9, landmarks)

    return make


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Makes a picture of noise."""
    return lambda height=120, width=160: np.random.default_rng(3).integers(
        1, 255, (height, width, 3), dtype=np.uint8
    )

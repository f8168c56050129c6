"""A training on random crops, for benchmarks: what it costs does not depend on what the crops show."""

import platform

import numpy as np
import torch

from simhand.pretraining.data import OVERSAMPLING, Float32Array, HandSet, Int64Array
from simhand.pretraining.training import Training, start_training
from simhand.settings.experiments import PretrainExperiment
from simhand.settings.pretrain import PretrainSettings

POOL = 512


class RandomCrops:
    """Crops of any number of hands, from a pool that is small beside what a training needs."""

    def __init__(self, hands: int, side_px: int) -> None:
        self._pool = np.random.default_rng(0).integers(0, 256, (POOL, side_px, side_px, 3), dtype=np.uint8)
        self._hands = hands

    def __len__(self) -> int:
        return self._hands

    def take(self, rows: Int64Array) -> np.ndarray:
        """As :meth:`simhand.pretraining.crops.Crops.take` of crops that are in memory."""
        return self._pool[rows % POOL]


def random_hands(hands: int, settings: PretrainSettings) -> HandSet:
    """So many hands with random joints, each the partner of the next."""
    keypoints: Float32Array = np.random.default_rng(1).uniform(0.25, 0.75, (hands, 21, 2)).astype(np.float32)
    crops = RandomCrops(hands, int(OVERSAMPLING * settings.image_size_px))
    rows = np.arange(hands)
    return HandSet(crops, keypoints, np.zeros_like(rows), rows, (rows[:, None] + 1) % hands)  # type: ignore[arg-type]


def simhand_training(settings: PretrainSettings) -> Training:
    """SiMHand with both kinds of weights, from random weights."""
    experiment = PretrainExperiment(
        name="benchmark", method="simhand", set="random", weighting="both", top_k=1, init="random", seed=0
    )
    return start_training(experiment, settings)


def machine(device: torch.device) -> str:
    """What the table calls the machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()}, {torch.get_num_threads()} threads"

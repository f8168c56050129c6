"""One step of a fine-tuning: the maps of a batch, their losses, and the gradient."""

import math

import torch

from simhand.finetuning.batches import Batch, batch_losses, network_input
from simhand.finetuning.detnet import DetNet, Maps
from simhand.finetuning.losses import Losses
from simhand.finetuning.training import Training
from simhand.settings.finetune import FinetuneSettings

SEED_RANGE = 2**63


def learning_rate_at(step: int, steps: int, settings: FinetuneSettings) -> float:
    """The learning rate of optimiser step ``step`` of ``steps``."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def backpropagate(training: Training, batch: Batch) -> Losses:
    """Leave the gradient of a batch's losses in the parameters of the network; returns the losses.

    What the encoder draws (dropout, in some of timm's) is a function of seed and step.
    """
    torch.manual_seed((training.experiment.seed * 1_000_003 + training.step) % SEED_RANGE)
    training.model.train()
    maps = predict_maps(training.model, batch, training.settings, training=True)
    losses = batch_losses(maps, batch, training.settings)
    training.optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    return losses


def predict_maps(network: DetNet, batch: Batch, settings: FinetuneSettings, training: bool) -> Maps:
    """The network's maps of a batch, in float32 whatever the arithmetic inside."""
    images = network_input(batch, settings, training)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        maps = network(images)
    return Maps(*(part.float() for part in maps))

"""The fine-tuning loop: Adam over shuffled, augmented batches, with the best epoch kept."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from simhand.errors import DataError, SimhandError
from simhand.finetuning.batches import (
    Batch,
    EpochBatches,
    HandDataset,
    batch_losses,
    evaluation_batches,
    network_input,
)
from simhand.finetuning.detnet import DetNet, Maps
from simhand.finetuning.predict import read_maps
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Record = dict[str, Any]


@dataclass
class Training:
    """A finished training: a record of each epoch, the epoch whose weights were kept, and the time taken."""

    history: list[Record] = field(default_factory=list)
    chosen_epoch: int = 0
    seconds: float = 0.0


def learning_rate_at(step: int, steps: int, settings: FinetuneSettings) -> float:
    """The learning rate of optimiser step ``step`` of ``steps``."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def train(
    network: DetNet,
    dataset: HandDataset,
    rows: NDArray[np.int64],
    settings: FinetuneSettings,
    seed: int,
    workers: int,
    judge: Callable[[DetNet], float] | None,
    on_epoch: Callable[[list[Record]], None],
) -> Training:
    """Train ``network`` in place and leave it with the weights of the chosen epoch.

    Args:
        network: on its device.
        dataset: the labelled samples.
        rows: the rows of ``dataset`` to train on.
        settings: the recipe.
        seed: of the shuffling (augmentation has the data set's).
        workers: processes that load; 0 loads in this one.
        judge: error of a network, lower is better; the best epoch is kept. None keeps the last.
        on_epoch: called with all records so far.

    Raises:
        DataError: fewer rows than a batch.
        SimhandError: the loss is no longer finite.
    """
    if len(rows) < settings.batch_size:
        raise DataError(
            f"{len(rows)} training images are left and finetune.batch_size is {settings.batch_size}; "
            "raise the label fraction or lower finetune.batch_size"
        )
    keys = EpochBatches(rows, settings.batch_size, range(settings.epochs), seed)
    batches = iter(load_batches(dataset, keys, next(network.parameters()).device, workers))
    optimizer = torch.optim.Adam(parameter_groups(network, settings.weight_decay), lr=settings.learning_rate)
    training, best, best_error = Training(), None, math.inf
    for epoch in range(settings.epochs):
        record = {"epoch": epoch + 1, **_run_epoch(network, batches, optimizer, epoch, keys, settings)}
        training.seconds += record["seconds"]
        if judge is not None:
            record["error_mm"] = judge(network)
        if judge is None or record["error_mm"] < best_error:
            best_error, training.chosen_epoch = record.get("error_mm", math.inf), epoch + 1
            best = copy.deepcopy(network.state_dict()) if judge is not None else None
        training.history.append(record)
        on_epoch(training.history)
        log.info("epoch %d of %d: %s", epoch + 1, settings.epochs, _summary(record))
    if best is not None:
        network.load_state_dict(best)
    return training


def parameter_groups(network: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights with the L2 penalty; biases and normalisation without."""
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _run_epoch(
    network: DetNet,
    batches: Iterator[Batch],
    optimizer: torch.optim.Optimizer,
    epoch: int,
    keys: EpochBatches,
    settings: FinetuneSettings,
) -> Record:
    """One pass over the training rows; returns mean losses and where the time went."""
    network.train()
    started, waited = time.perf_counter(), 0.0
    sums = torch.zeros(4, dtype=torch.float64)
    for step in range(keys.steps_per_epoch):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        rate = learning_rate_at(epoch * keys.steps_per_epoch + step, len(keys), settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses = batch_losses(predict_maps(network, batch, settings, training=True), batch, settings)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        sums += torch.stack([part.detach() for part in losses]).double().cpu()
    if not torch.isfinite(sums).all():
        raise SimhandError(f"the loss is not finite in epoch {epoch + 1}; lower finetune.learning_rate")
    seconds = time.perf_counter() - started
    total, heat, delta, location = (sums / keys.steps_per_epoch).tolist()
    images = keys.steps_per_epoch * settings.batch_size
    return {
        "loss": total,
        "loss_heat": heat,
        "loss_delta": delta,
        "loss_location": location,
        "learning_rate": rate,
        "seconds": seconds,
        "images_per_s": images / seconds,
        "data_wait_s": waited,
    }


def predict_maps(network: DetNet, batch: Batch, settings: FinetuneSettings, training: bool) -> Maps:
    """The network's maps of a batch, in float32 whatever the arithmetic inside."""
    images = network_input(batch, settings, training)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        maps = network(images)
    return Maps(*(part.float() for part in maps))


@dataclass(frozen=True)
class Readings:
    """Readings of N samples: crop pixels (N, 21, 2), locations (N, 21, 3), and their affines (N, 3, 3)."""

    crop_xy: NDArray[np.float64]
    location: NDArray[np.float64]
    affine: NDArray[np.float64]


@torch.no_grad()
def read_samples(
    network: DetNet, dataset: HandDataset, rows: NDArray[np.int64], settings: FinetuneSettings, workers: int
) -> Readings:
    """Run the network on ``rows`` without augmentation and read its maps."""
    network.eval()
    device = next(network.parameters()).device
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for batch in load_batches(dataset, evaluation_batches(rows, settings.batch_size), device, workers):
        maps = predict_maps(network, batch, settings, training=False)
        reading = read_maps(maps, below_cell=settings.heat_targets == "exact")
        found.append((reading.crop_xy, reading.location, batch["affine"]))
    return Readings(*(torch.cat(parts).double().cpu().numpy() for parts in zip(*found, strict=True)))


def load_batches(
    dataset: HandDataset, keys: EpochBatches | list[list[tuple[int, int]]], device: torch.device, workers: int
) -> Iterator[Batch]:
    """The batches of ``keys`` on ``device``."""
    loader = DataLoader(dataset, batch_sampler=keys, num_workers=workers, pin_memory=device.type == "cuda")
    for batch in loader:
        yield cast(Batch, {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()})


def _summary(record: Record) -> str:
    error = f", error {record['error_mm']:.1f} mm" if "error_mm" in record else ""
    return (
        f"loss {record['loss']:.3f}{error}, {record['images_per_s']:.1f} images/s, "
        f"waited {record['data_wait_s']:.1f} of {record['seconds']:.1f} s"
    )

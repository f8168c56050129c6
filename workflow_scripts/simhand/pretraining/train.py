"""The pre-training loop.

On a CPU the result is the same to the bit for the same settings, seed and number of threads; torch
adds up in another order when the threads are more or fewer.
"""

import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from simhand.device import choose_device
from simhand.encoder_weights import initialise
from simhand.errors import SimhandError
from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.augment import Views, augment, draws_for
from simhand.pretraining.data import HandSet
from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.epochs import Batch, batches, steps_in_epoch
from simhand.pretraining.geometry import Geometry
from simhand.pretraining.history import History, Meter
from simhand.pretraining.methods.method import Contrast, Method
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.optimisers import make_optimiser
from simhand.pretraining.released_augment import augment_as_released
from simhand.pretraining.schedule import learning_rates
from simhand.settings.experiments import PretrainExperiment
from simhand.settings.pretrain import PretrainSettings

log = logging.getLogger("simhand")


@dataclass
class Training:
    """A training in progress: what a checkpoint holds, and what never changes on the way."""

    experiment: PretrainExperiment
    settings: PretrainSettings
    method: Method
    device: torch.device
    model: ContrastiveModel
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    views: int = 0
    final_loss: float = float("nan")


def start_training(experiment: PretrainExperiment, settings: PretrainSettings) -> Training:
    """A model with its initial weights on its device, and its optimiser.

    Raises:
        ConfigError: the method or the device does not exist.
        DataError: the initial weights cannot be used.
    """
    method = find_method(experiment.method)
    device = choose_device(settings.device, "pretrain.device")
    torch.manual_seed(experiment.seed)
    model = ContrastiveModel(settings)
    initialise(model.encoder, settings.encoder, experiment.init)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Training(experiment, settings, method, device, model, make_optimiser(model, settings))


def pretrain(training: Training, hands: HandSet, history_file: Path) -> None:
    """Train to the end, writing the history as it goes; what is written stays if the training fails.

    Raises:
        DataError: the set is smaller than a batch.
        SimhandError: the loss is no longer finite.
    """
    settings, seed = training.settings, training.experiment.seed
    steps_per_epoch = steps_in_epoch(len(hands.anchors), settings)
    learning_rate = learning_rates(settings, len(hands.anchors), steps_per_epoch)
    log.info("%d anchors, %d steps per epoch, on %s", len(hands.anchors), steps_per_epoch, training.device)
    if settings.warmup_epochs >= settings.epochs:
        log.warning("the warm-up (%d epochs) fills all %d epochs", settings.warmup_epochs, settings.epochs)

    started = time.perf_counter()
    total = settings.epochs * steps_per_epoch
    with History(history_file, settings.epochs) as history, _progress(total) as progress:
        for epoch in range(settings.epochs):
            of_epoch, of_steps = Meter(), Meter()
            for batch, waited_s in _timed(batches(hands, training.method, settings, seed, epoch)):
                rate = learning_rate(training.step)
                contrast = _train_on(training, batch, epoch, rate)
                for meter in (of_epoch, of_steps):
                    meter.add(contrast, waited_s)
                progress.update()
                if training.step % settings.log_every_steps == 0:
                    history.step(epoch, training.step, rate, of_steps, contrast.embeddings)
                    of_steps = Meter()
            history.epoch(epoch, training.step, rate, of_epoch, contrast.embeddings)
            training.views += of_epoch.views
            training.final_loss = of_epoch.mean_loss
    training.seconds = time.perf_counter() - started


def make_views(training: Training, batch: Batch, epoch: int) -> Views:
    """The augmented views of ``batch``, on the device of the training."""
    settings, device = training.settings, training.device
    ranges = training.method.geometry(settings)
    draws = draws_for(training.experiment.seed, epoch, batch.positions)
    if settings.augmentation == "release":
        views = augment_as_released(batch.crops, batch.keypoints, draws, ranges, settings.image_size_px)
        geometry = Geometry(*(part.to(device) for part in views.geometry))
        return Views(views.images.to(device), views.keypoints.to(device), geometry)
    return augment(
        torch.from_numpy(batch.crops).to(device),
        torch.from_numpy(batch.keypoints).to(device),
        torch.from_numpy(draws).float().to(device),
        ranges,
        settings.hue_turns,
        settings.image_size_px,
    )


def contrast_views(training: Training, views: Views) -> Contrast:
    """Loss and embeddings of ``views``; everything above the encoder's output is float32."""
    settings = training.settings
    half = settings.precision == "bfloat16"
    with torch.autocast(training.device.type, dtype=torch.bfloat16, enabled=half):
        projections = training.model(views.images)
    first, second = views.keypoints.chunk(2)
    weights = adaptive_weights(first, second, training.experiment.weighting, settings)
    return training.method.contrast(projections.float(), views, weights, settings)


def _train_on(training: Training, batch: Batch, epoch: int, learning_rate: float) -> Contrast:
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate
    contrast = contrast_views(training, make_views(training, batch, epoch))
    if not np.isfinite(contrast.loss.item()):
        raise SimhandError(
            f"{training.experiment.name}: the loss is {contrast.loss.item()} at step {training.step} "
            f"(epoch {epoch}, learning rate {learning_rate:.3g}); "
            "lower `pretrain.learning_rate`, or lengthen the warm-up"
        )
    training.optimiser.zero_grad(set_to_none=True)
    contrast.loss.backward()
    training.optimiser.step()
    training.step += 1
    return contrast


def _timed(stream: Iterator[Batch]) -> Iterator[tuple[Batch, float]]:
    """The batches of ``stream``, each with the seconds that were spent waiting for it."""
    while True:
        asked = time.perf_counter()
        batch = next(stream, None)
        if batch is None:
            return
        yield batch, time.perf_counter() - asked


def _progress(total: int) -> Any:
    return tqdm(total=total, unit="step", disable=not sys.stderr.isatty())

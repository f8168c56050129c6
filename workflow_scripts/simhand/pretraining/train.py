"""The pre-training loop.

On a CPU the result is the same to the bit for the same settings, seed and number of threads; torch
adds up in another order when the threads are more or fewer.
"""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from simhand.errors import SimhandError
from simhand.pretraining.data import HandSet
from simhand.pretraining.epochs import Batch, batches, steps_in_epoch
from simhand.pretraining.history import History, Meter
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.schedule import learning_rates
from simhand.pretraining.step import backpropagate
from simhand.pretraining.training import Training

log = logging.getLogger("simhand")


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


def _train_on(training: Training, batch: Batch, epoch: int, learning_rate: float) -> Contrast:
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate
    contrast = backpropagate(training, batch, epoch)
    if not np.isfinite(contrast.loss.item()):
        raise SimhandError(
            f"{training.experiment.name}: the loss is {contrast.loss.item()} at step {training.step} "
            f"(epoch {epoch}, learning rate {learning_rate:.3g}); "
            "lower `pretrain.learning_rate`, or lengthen the warm-up"
        )
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

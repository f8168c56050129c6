"""The fine-tuning loop: it goes on from the last checkpoint, and leaves one when it is told to stop.

On a CPU the result is the same to the bit for the same settings, seed and number of threads, however often
the training was interrupted.
"""

import logging
import time
from collections.abc import Callable

import torch

from simhand.finetuning.detnet import DetNet
from simhand.finetuning.epoch_batches import EpochBatches
from simhand.finetuning.loading import SampleSource, load_batches
from simhand.finetuning.recorder import Recorder
from simhand.finetuning.step import backpropagate, learning_rate_at
from simhand.finetuning.training import Training
from simhand.training_runs.divergence import check_step, gradient_norm
from simhand.training_runs.meter import Meter
from simhand.training_runs.run_folder import TrainingRun
from simhand.training_runs.saver import Saver
from simhand.training_runs.stop_requests import StopRequest

log = logging.getLogger("simhand")

MEASURED = ("loss", "loss_heat", "loss_delta", "loss_location", "gradient_norm")
"""What every step tells, as the history calls it: the losses in the order of ``Losses``, then the norm."""

Validate = Callable[[DetNet, Callable[[], None]], float]
"""The error of a model, mm, lower is better; the callable it is given may end it, by raising."""


def finetune(
    training: Training,
    hands: SampleSource,
    batches_from: Callable[[int], EpochBatches],
    run: TrainingRun,
    stop: StopRequest,
    validate: Validate | None,
    workers: int,
) -> None:
    """Train to the end, from where the checkpoints of ``run`` end; leaves the weights of the chosen epoch.

    Args:
        training: as it begins.
        hands: what the keys of the batches stand for.
        batches_from: the batches of the whole training from a step on.
        run: where it is saved.
        stop: whether it was told to stop.
        validate: its errors choose the epoch; None takes the last.
        workers: processes that load; 0 is a thread of this one.

    Raises:
        DataError: all checkpoints are damaged.
        StoppedError: a signal asked to stop; all is saved.
        DivergedError: the training has failed; the checkpoint before that is kept.
        DiskFullError: no room for a checkpoint; the last one is kept.
        BusyError: another trainer has taken over.
    """
    total = batches_from(0).total_steps
    _continue(training, run, total)
    keys = batches_from(training.step)
    settings = training.settings
    with Recorder(training, run.history, run.folder / "tensorboard", total) as recorder:
        saver = Saver(training, run, recorder, stop)

        def watch() -> None:
            saver.save_or_stop(saver.told_to_stop())

        batches = load_batches(hands, keys, training.device, workers)
        while training.epochs_ended < settings.epochs:
            while training.step < (training.epochs_ended + 1) * keys.steps_per_epoch:
                started = time.perf_counter()
                batch = next(batches)
                waited_s = time.perf_counter() - started
                rate = learning_rate_at(training.step, total, settings)
                for group in training.optimiser.param_groups:
                    group["lr"] = rate
                losses = backpropagate(training, batch)
                numbers = [*(part.detach() for part in losses), gradient_norm(training.model)]
                measured = dict(zip(MEASURED, torch.stack(numbers).tolist(), strict=True))
                check_step(training, measured["loss"], measured["gradient_norm"], rate)
                training.optimiser.step()
                training.step += 1
                training.count(measured, len(batch["image"]), time.perf_counter() - started, waited_s)
                recorder.step(rate)
                watch()
            rate = learning_rate_at(training.step - 1, total, settings)
            _end_epoch(training, recorder, validate, rate, watch)
            if training.epochs_ended < settings.epochs:
                watch()
            else:
                saver.save_last()
    training.take_chosen_weights()


def _continue(training: Training, run: TrainingRun, total: int) -> None:
    """Load the newest checkpoint that is whole."""
    found = run.checkpoints.newest()
    if found is None:
        log.info("training from the beginning; its course is in %s", run.history)
        return
    training.load_state(found[1])
    if training.epochs_ended == training.settings.epochs:
        log.info("%s has all %d steps already; delete it to train anew", run.folder, total)
    else:
        log.info("continuing after step %d of %d; the course is in %s", training.step, total, run.history)


def _end_epoch(
    training: Training, recorder: Recorder, validate: Validate | None, rate: float, watch: Callable[[], None]
) -> None:
    """Validate the model, unless that is interrupted, and write the epoch's line."""
    started = time.perf_counter()
    error_mm = None if validate is None else validate(training.model, watch)
    training.validation_s += time.perf_counter() - started
    line = recorder.epoch(rate, error_mm)
    training.last = line
    training.choose(line)
    training.of_epoch = Meter()
    training.epochs_ended += 1

"""The fine-tuning loop: it goes on from the last checkpoint, and leaves one when it is told to stop.

On a CPU the result is the same to the bit for the same settings, seed and number of threads, however often
the training was interrupted.
"""

import logging
import time
from collections.abc import Callable

import torch

from simhand.errors import StoppedError
from simhand.finetuning.batches import EpochBatches
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.loading import Hands, load_batches
from simhand.finetuning.recorder import Recorder
from simhand.finetuning.step import backpropagate, learning_rate_at
from simhand.finetuning.training import Training
from simhand.training_runs.divergence import (
    DivergedError,
    gradient_norm,
    problem_of_step,
    problem_of_weights,
)
from simhand.training_runs.meter import Meter
from simhand.training_runs.run_folder import TrainingRun
from simhand.training_runs.stop_requests import StopRequest

log = logging.getLogger("simhand")

MEASURED = ("loss", "loss_heat", "loss_delta", "loss_location", "gradient_norm")
"""What every step tells, as the history calls it: the losses in the order of ``Losses``, then the norm."""

Judge = Callable[[DetNet, Callable[[], None]], float]
"""The error of a network, mm, lower is better; the callable it is given may end it, by raising."""


def finetune(
    training: Training,
    hands: Hands,
    batches_from: Callable[[int], EpochBatches],
    run: TrainingRun,
    stop: StopRequest,
    judge: Judge | None,
    workers: int,
) -> None:
    """Train to the end, from where the checkpoints of ``run`` end; leaves the weights of the chosen epoch.

    Args:
        training: as it begins.
        hands: what the keys of the batches stand for.
        batches_from: the batches of the whole training from a step on.
        run: where it is saved.
        stop: whether it was told to stop.
        judge: chooses the epoch; None takes the last.
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

        def watch() -> None:
            _save_or_stop(training, run, recorder, stop)

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
                numbers = [*(part.detach() for part in losses), gradient_norm(training.network)]
                measured = dict(zip(MEASURED, torch.stack(numbers).tolist(), strict=True))
                _refuse(training, problem_of_step(measured["loss"], measured["gradient_norm"], rate))
                training.optimiser.step()
                training.step += 1
                seconds = time.perf_counter() - started
                training.seconds += seconds
                for meter in (training.of_epoch, training.of_steps):
                    meter.add(measured, len(batch["image"]), seconds, waited_s)
                recorder.step(rate)
                watch()
            _end_epoch(training, recorder, judge, learning_rate_at(training.step - 1, total, settings), watch)
            if training.epochs_ended < settings.epochs:
                watch()
            else:
                _save(training, run, recorder)
                run.checkpoints.forget_older(1)
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
    training: Training, recorder: Recorder, judge: Judge | None, rate: float, watch: Callable[[], None]
) -> None:
    """Judge the network, unless that is interrupted, and write the epoch's line."""
    started = time.perf_counter()
    error_mm = None if judge is None else judge(training.network, watch)
    training.judging_s += time.perf_counter() - started
    line = recorder.epoch(rate, error_mm)
    training.last = line
    training.choose(line)
    training.of_epoch = Meter()
    training.epochs_ended += 1


def _save_or_stop(training: Training, run: TrainingRun, recorder: Recorder, stop: StopRequest) -> None:
    """Save if it is time to, and stop if told to."""
    stopping = stop.signal_name is not None or (run.lock is not None and run.lock.lost)
    if stopping or run.checkpoints.is_due(training.settings.checkpoint_minutes):
        _save(training, run, recorder)
    if stopping:
        raise StoppedError(
            f"stopped after step {training.step} ({stop.signal_name}) and saved; the same command continues "
            "there"
        )


def _save(training: Training, run: TrainingRun, recorder: Recorder) -> None:
    if run.lock is not None:
        run.lock.check()
    _refuse(training, problem_of_weights(training.network))
    training.history_bytes = recorder.history_bytes()
    run.checkpoints.save(training.step, training.state())


def _refuse(training: Training, problem: str | None) -> None:
    if problem is not None:
        rate = training.settings.learning_rate
        raise DivergedError(
            f"{training.experiment.name}: {problem} at step {training.step}. Lower `finetune.learning_rate` "
            f"({rate:g}; try {rate / 3:.1g}); the training then begins anew"
        )

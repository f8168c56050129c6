"""The pre-training loop: it goes on from the last checkpoint, and leaves one when it is told to stop.

On a CPU the result is the same to the bit for the same settings, seed and number of threads, however
often the training was interrupted; torch adds up in another order when the threads are more or fewer.
Of several processes, the first one records and saves.
"""

import logging
import time
from contextlib import ExitStack

import torch

from simhand.pretraining.data import HandSet
from simhand.pretraining.divergence import check_epoch, notice_collapse, typical_distance
from simhand.pretraining.epochs import Batch, batches, steps_in_epoch
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.processes import any_process, process_rank, sum_over_processes
from simhand.pretraining.recorder import Recorder
from simhand.pretraining.retrieval_probe import RetrievalProbe
from simhand.pretraining.schedule import learning_rates
from simhand.pretraining.step import backpropagate
from simhand.pretraining.training import Training
from simhand.training_runs.divergence import check_step, gradient_norm
from simhand.training_runs.meter import Meter
from simhand.training_runs.run_folder import TrainingRun
from simhand.training_runs.saver import Saver
from simhand.training_runs.stop_requests import stop_requests

log = logging.getLogger("simhand")


def pretrain(training: Training, hands: HandSet, run: TrainingRun, probe: RetrievalProbe | None) -> None:
    """Train to the end, from where the checkpoints of ``run`` end.

    Raises:
        DataError: the set is smaller than a batch, or all checkpoints are damaged.
        StoppedError: a signal asked to stop; all is saved.
        DivergedError: the training has failed; the checkpoint before that is kept.
        DiskFullError: no room for a checkpoint; the last one is kept.
        BusyError: another trainer has taken over.
    """
    settings = training.settings
    steps_per_epoch = steps_in_epoch(len(hands.anchors), settings)
    learning_rate = learning_rates(settings, len(hands.anchors), steps_per_epoch)
    log.info("%d anchors, %d steps per epoch, on %s", len(hands.anchors), steps_per_epoch, training.device)
    if settings.warmup_epochs >= settings.epochs:
        log.warning("the warm-up (%d epochs) fills all %d epochs", settings.warmup_epochs, settings.epochs)
    total = settings.epochs * steps_per_epoch
    _continue(training, run, total)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_requests())
        recorder = stack.enter_context(_recorder(training, run, total)) if process_rank() == 0 else None
        saver = Saver(training, run, recorder, stop)
        if training.step == 0:
            _probe(training, probe, recorder, 0)
        mark = time.perf_counter()
        for epoch in range(training.step // steps_per_epoch, settings.epochs):
            first_step = training.step - epoch * steps_per_epoch
            seed = training.experiment.seed
            for batch in batches(hands, training.method, settings, seed, epoch, first_step):
                rate = learning_rate(training.step)
                contrast, loss, norm = _train_on(training, batch, epoch, rate)
                mark, started = time.perf_counter(), mark
                training.views += len(contrast.embeddings)
                measured = {"loss": loss, "gradient_norm": norm}
                training.count(measured, len(contrast.embeddings), mark - started, batch.crops.waited_s)
                views = len(contrast.embeddings) // len(batch.positions)
                if recorder is not None:
                    recorder.step(epoch + 1, rate, contrast, views)
                if training.step % steps_per_epoch == 0:
                    _end_epoch(training, recorder, epoch + 1, rate, contrast, views)
                    _probe(training, probe, recorder, epoch + 1)
                    mark = time.perf_counter()
                if training.step == total:
                    saver.save_last()
                else:
                    saver.save_or_stop(any_process(saver.told_to_stop(), training.device))


def _continue(training: Training, run: TrainingRun, total: int) -> None:
    """Load the newest checkpoint that is whole, the same one in all processes."""
    found = run.checkpoints.newest() if process_rank() == 0 else None
    steps_taken = torch.tensor(found[0] if found else 0, device=training.device)
    step = int(sum_over_processes(steps_taken))
    if step == 0:
        log.info("training from the beginning; its course is in %s", run.history)
        return
    training.load_state(found[1] if found else run.checkpoints.read(step))
    if step == total:
        log.info("%s has all %d steps already; delete it to train anew", run.folder, total)
    else:
        log.info("continuing after step %d of %d; the course is in %s", step, total, run.history)


def _recorder(training: Training, run: TrainingRun, total: int) -> Recorder:
    return Recorder(training, run.history, run.folder / "tensorboard", total)


def _train_on(
    training: Training, batch: Batch, epoch: int, learning_rate: float
) -> tuple[Contrast, float, float]:
    """Take one step, unless it would do harm; returns what was contrasted, loss and gradient norm."""
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate
    contrast = backpropagate(training, batch, epoch)
    distance = typical_distance(contrast.embeddings)
    found = torch.stack([contrast.loss.detach(), gradient_norm(training.model), distance])
    loss, norm, apart = found.tolist()
    check_step(training, loss, norm, learning_rate)
    notice_collapse(training, apart, len(batch.positions))
    training.optimiser.step()
    training.step += 1
    return contrast, loss, norm


def _end_epoch(
    training: Training, recorder: Recorder | None, epoch: int, rate: float, contrast: Contrast, views: int
) -> None:
    training.final_loss = training.of_epoch.read("views")["loss"]
    if recorder is not None:
        recorder.epoch(epoch, rate, contrast, views)
        check_epoch(training, last=epoch == training.settings.epochs)
    training.of_epoch = Meter()


def _probe(training: Training, probe: RetrievalProbe | None, recorder: Recorder | None, epochs: int) -> None:
    if probe is not None and recorder is not None:
        found = probe.measure(training)
        training.retrieval_errors.append(found["retrieval_error"])
        recorder.probe(epochs, found)

"""One fine-tuning experiment from data set to files."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simhand.device import choose_device, hardware_of
from simhand.errors import ConfigError, DataError, StoppedError
from simhand.files.atomic import write_bytes
from simhand.files.tables import write_table
from simhand.finetuning.data import ExperimentData, Rows, load_labels, open_images
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.epoch_batches import EpochBatches
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.inference import infer_poses
from simhand.finetuning.loading import SampleSource
from simhand.finetuning.outputs import (
    crop_over_joints,
    mean_bone_0_9_m,
    prediction_table,
    write_checkpoint,
    write_metrics,
)
from simhand.finetuning.pose_decoding import root_relative_errors_mm
from simhand.finetuning.run_identity import run_identity
from simhand.finetuning.train import Validate, finetune
from simhand.finetuning.training import Training, start_training
from simhand.finetuning.weak_supervision import (
    JoinedHands,
    MixedBatches,
    PseudoLabelledSet,
    load_pseudo_labelled,
    pseudo_labelled_per_batch,
)
from simhand.settings.datasets import DatasetSettings
from simhand.settings.experiments import METHODS, WEAKLY_SUPERVISED, FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.run_folder import TrainingRun, open_run
from simhand.training_runs.stop_requests import StopRequest, stop_requests

log = logging.getLogger("simhand")


def run_experiment(
    settings: FinetuneSettings,
    experiment: FinetuneExperiment,
    dataset: DatasetSettings,
    root: Path,
    encoder: Path | None,
    out_dir: Path,
    threads: int,
    scans_dir: Path | None = None,
    pseudo_labelled: PseudoLabelledSet | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fine-tune and write history.jsonl, predictions.parquet, checkpoint.pt and metrics.json to ``out_dir``.

    What an interrupted training needs to go on is in ``out_dir/run``. On a CPU the same seed and number of
    threads give the same predictions and weights, however often it was interrupted.

    Args:
        settings: the recipe.
        experiment: what to train.
        dataset: what the data set is.
        root: its folder.
        encoder: the pre-trained encoder.
        out_dir: for the results.
        threads: processor cores to use.
        scans_dir: keeps labels that take long to read.
        pseudo_labelled: for weak supervision, the set whose crops are learnt from too.

    Returns:
        What the result depends on, and what metrics.json holds.

    Raises:
        ConfigError: experiment, encoder and set contradict each other, or the device does not exist.
        DataError: the data set or the encoder's weights are not as expected, or too few labels are left.
        StoppedError: a signal asked to stop; all is saved.
        DivergedError: the training has failed.
        BusyError: another one is at work in ``out_dir``.
    """
    check_start(experiment, encoder, pseudo_labelled)
    torch.set_num_threads(threads)
    device = choose_device(settings.device, "finetune.device")
    workers = threads if device.type == "cuda" else 0
    _say_what_is_inferred(settings, experiment)
    marks = [time.perf_counter()]
    labels = load_labels(settings, dataset, root, experiment.label_fraction, threads, scans_dir)
    identity = run_identity(experiment, settings, dataset, labels, encoder, pseudo_labelled)
    with open_run(out_dir / "run", identity) as run:
        data = open_images(labels, settings, dataset.crop_factor, experiment.seed, threads)
        hands, batches_from = _to_train_on(
            data, settings, experiment, dataset.crop_factor, pseudo_labelled, threads
        )
        training = start_training(experiment, settings, encoder)
        marks.append(time.perf_counter())
        with stop_requests() as stop:
            finetune(
                training, hands, batches_from, run, stop, make_validation(data, settings, workers), workers
            )
            marks.append(time.perf_counter())
            _predict(training, data, dataset, run, stop, out_dir, workers)
        marks.append(time.perf_counter())
        load_s, _, predict_s = np.diff(marks).tolist()
        seconds = {"load_s": load_s, "train_s": training.seconds, "validation_s": training.validation_s}
        metrics = _metrics(training, data, dataset, run, root) | seconds | {"predict_s": predict_s}
        write_metrics(out_dir / "metrics.json", metrics)
    return identity, metrics


def check_start(
    experiment: FinetuneExperiment, encoder: Path | None, pseudo_labelled: PseudoLabelledSet | None
) -> None:
    """Raise :class:`ConfigError` unless the experiment is given what it starts from, and nothing else."""
    pretrained = experiment.method in METHODS
    if pretrained and encoder is None:
        raise ConfigError(
            f"experiment {experiment.name} starts from a pre-trained encoder; give its file with --encoder"
        )
    if not pretrained and encoder is not None:
        raise ConfigError(
            f"experiment {experiment.name} has no pre-training, but --encoder {encoder} is given; leave it "
            "out (`init` says what it starts from)"
        )
    if (experiment.method == WEAKLY_SUPERVISED) != (pseudo_labelled is not None):
        raise ConfigError(
            f"experiment {experiment.name} is of method {experiment.method}: --set and --run-dir belong to "
            f"method {WEAKLY_SUPERVISED}, which needs both"
        )


def make_validation(
    data: ExperimentData[HandDataset], settings: FinetuneSettings, workers: int
) -> Validate | None:
    """The error that chooses the epoch: on held-out labels, on the test set, or none (the last stays).

    Raises:
        DataError: none of these hands shows its wrist and the base of its middle finger.
    """
    chosen: dict[str, tuple[HandDataset, Rows]] = {
        "validation": (data.labelled, data.validation_rows),
        "test": (data.evaluation, np.arange(len(data.evaluation))),
    }
    if settings.model_selection not in chosen:
        return None
    hands, rows = chosen[settings.model_selection]
    truth, visible = hands.samples.joints_3d_m[rows], hands.samples.visible[rows]
    if not np.isfinite(root_relative_errors_mm(truth, truth, visible)).any():
        raise DataError(
            f"finetune.model_selection is {settings.model_selection}, but none of its {len(rows)} hands has "
            "wrist and base of the middle finger visible; set model_selection to last"
        )

    def error_mm(network: DetNet, watch: Callable[[], None]) -> float:
        poses = infer_poses(network, hands, rows, settings, workers, watch)
        return float(np.nanmean(root_relative_errors_mm(poses.location, truth, visible)))

    return error_mm


def _say_what_is_inferred(settings: FinetuneSettings, experiment: FinetuneExperiment) -> None:
    inferred = settings.inferred()
    if experiment.method == WEAKLY_SUPERVISED:
        inferred.append(f"pseudo_labelled_share = {settings.pseudo_labelled_share}")
    log.info("batch_size = %d, epochs = %d, optimiser Adam", settings.batch_size, settings.epochs)
    for name in ["optimiser = Adam", *inferred]:
        log.info("inferred: finetune.%s (not published)", name)


def _to_train_on(
    data: ExperimentData[HandDataset],
    settings: FinetuneSettings,
    experiment: FinetuneExperiment,
    crop_factor: float,
    pseudo_labelled: PseudoLabelledSet | None,
    threads: int,
) -> tuple[SampleSource, Callable[[int], EpochBatches]]:
    """The samples, and their batches from a step on."""
    seed, per_batch = experiment.seed, 0
    joined = None
    if pseudo_labelled is not None:
        per_batch = pseudo_labelled_per_batch(settings)
        crops = load_pseudo_labelled(settings, pseudo_labelled, crop_factor, seed, threads)
        log.info(
            "%d pseudo-labelled crops, %d in each batch of %d", len(crops), per_batch, settings.batch_size
        )
        joined = JoinedHands(data.labelled, crops)

    def batches_from(step: int) -> EpochBatches:
        labelled_size = settings.batch_size - per_batch
        keys = EpochBatches(data.training_rows, labelled_size, settings.epochs, seed, step)
        if joined is None:
            return keys
        return MixedBatches(keys, len(joined.labelled), len(joined.pseudo_labelled), per_batch, seed)

    return joined or data.labelled, batches_from


def _predict(
    training: Training,
    data: ExperimentData[HandDataset],
    dataset: DatasetSettings,
    run: TrainingRun,
    stop: StopRequest,
    out_dir: Path,
    workers: int,
) -> None:
    """Predict the evaluation samples and write all but the metrics."""

    def watch() -> None:
        if stop.signal_name is not None:
            raise StoppedError(f"stopped while predicting ({stop.signal_name}); the training itself is saved")

    rows = np.arange(len(data.evaluation))
    poses = infer_poses(training.model, data.evaluation, rows, training.settings, workers, watch)
    learnt_from = data.labelled.samples.take(data.training_rows)
    bone_m = mean_bone_0_9_m(learnt_from)
    if run.lock is not None:
        run.lock.check()
    table = prediction_table(data.evaluation.samples, poses, bone_m)
    write_table(out_dir / "predictions.parquet", "predictions", table)
    write_bytes(out_dir / "history.jsonl", run.history.read_bytes())
    epoch = training.chosen["epoch"]
    crop_factor = crop_over_joints(learnt_from, dataset.crop_factor)
    write_checkpoint(out_dir / "checkpoint.pt", training.model, training.settings, epoch, bone_m, crop_factor)


def _metrics(
    training: Training,
    data: ExperimentData[HandDataset],
    dataset: DatasetSettings,
    run: TrainingRun,
    root: Path,
) -> dict[str, Any]:
    """What was trained on what, with what result, on which machine."""
    experiment, settings = training.experiment, training.settings
    return {
        "experiment": experiment.name,
        **experiment.model_dump(exclude={"name"}),
        "settings": settings.model_dump(),
        "data_settings": dataset.model_dump(),
        "data_root": str(root),
        "identity": run.folder.name,
        "hardware": hardware_of(training.device, 1),
        "device": str(training.device),
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "training_images": len(data.training_rows),
        "validation_images": len(data.validation_rows),
        "evaluation_images": len(data.evaluation),
        "steps": training.step,
        "model_selection": settings.model_selection,
        "chosen_epoch": training.chosen["epoch"],
        "chosen": training.chosen,
        "last": training.last,
    }

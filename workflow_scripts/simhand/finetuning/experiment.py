"""One fine-tuning experiment from data set to files."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from simhand.device import choose_device
from simhand.encoder_weights import initialise, load_encoder
from simhand.errors import ConfigError
from simhand.files.tables import write_table
from simhand.finetuning.batches import HandDataset
from simhand.finetuning.data import ExperimentData, Rows, load_data
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.outputs import (
    mean_bone_0_9_m,
    prediction_table,
    write_checkpoint,
    write_history,
    write_metrics,
)
from simhand.finetuning.predict import root_relative_errors_mm
from simhand.finetuning.train import read_samples, train
from simhand.settings.datasets import DatasetSettings
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Judge = Callable[[DetNet], float]


def run_experiment(
    settings: FinetuneSettings,
    experiment: FinetuneExperiment,
    dataset: DatasetSettings,
    root: Path,
    encoder: Path | None,
    out_dir: Path,
    threads: int,
) -> None:
    """Fine-tune and write history.jsonl, predictions.parquet, checkpoint.pt and metrics.json to ``out_dir``.

    On a CPU the same seed and number of threads give the same predictions and weights.

    Raises:
        ConfigError: experiment and encoder contradict each other, or the device does not exist.
        DataError: the data set or the encoder's weights are not as expected, or too few labels are left.
    """
    check_start(experiment, encoder)
    torch.set_num_threads(threads)
    device = choose_device(settings.device, "finetune.device")
    workers = threads if device.type == "cuda" else 0
    marks = [time.perf_counter()]
    data = load_data(settings, dataset, root, experiment.label_fraction, experiment.seed, threads)
    network = new_network(settings, experiment.seed, experiment.init, encoder).to(device)
    marks.append(time.perf_counter())
    training = train(
        network,
        data.labelled,
        data.training_rows,
        settings,
        experiment.seed,
        workers,
        make_judge(data, settings, workers),
        on_epoch=lambda history: write_history(out_dir / "history.jsonl", history),
    )
    marks.append(time.perf_counter())
    evaluation_rows = np.arange(len(data.evaluation))
    readings = read_samples(network, data.evaluation, evaluation_rows, settings, workers)
    bone_m = mean_bone_0_9_m(data.labelled.samples.take(data.training_rows))
    write_table(
        out_dir / "predictions.parquet",
        "predictions",
        prediction_table(data.evaluation.samples, readings, bone_m),
    )
    marks.append(time.perf_counter())
    write_checkpoint(out_dir / "checkpoint.pt", network, settings, training.chosen_epoch, bone_m)
    load_s, train_s, predict_s = np.diff(marks).tolist()
    metrics = {
        "experiment": experiment.name,
        "seed": experiment.seed,
        "data_root": str(root),
        "device": str(device),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "training_images": len(data.training_rows),
        "validation_images": len(data.validation_rows),
        "evaluation_images": len(evaluation_rows),
        "model_selection": settings.model_selection,
        "chosen_epoch": training.chosen_epoch,
        "chosen": training.history[training.chosen_epoch - 1],
        "last": training.history[-1],
        "load_s": load_s,
        "train_s": train_s,
        "predict_s": predict_s,
    }
    write_metrics(out_dir / "metrics.json", metrics)


def check_start(experiment: FinetuneExperiment, encoder: Path | None) -> None:
    """Raise :class:`ConfigError` unless ``encoder`` is given exactly when there is a pre-training."""
    pretrained = experiment.method != "none"
    if pretrained and encoder is None:
        raise ConfigError(
            f"experiment {experiment.name} starts from a pre-trained encoder; give its file with --encoder"
        )
    if not pretrained and encoder is not None:
        raise ConfigError(
            f"experiment {experiment.name} has no pre-training, but --encoder {encoder} is given; leave it "
            "out (`init` says what it starts from)"
        )


def new_network(settings: FinetuneSettings, seed: int, init: str, encoder: Path | None) -> DetNet:
    """A DetNet with weights drawn from ``seed``, its encoder from ``encoder``, else as ``init`` says."""
    torch.manual_seed(seed)
    network = DetNet(settings.encoder, settings.head_width, settings.input_px)
    if encoder is not None:
        load_encoder(network.encoder, settings.encoder, encoder)
    else:
        initialise(network.encoder, settings.encoder, init)
    return network


def make_judge(data: ExperimentData, settings: FinetuneSettings, workers: int) -> Judge | None:
    """The error that chooses the epoch: on held-out labels, on the test set, or none (the last stays)."""
    judged: dict[str, tuple[HandDataset, Rows]] = {
        "validation": (data.labelled, data.validation_rows),
        "test": (data.evaluation, np.arange(len(data.evaluation))),
    }
    if settings.model_selection not in judged:
        return None
    hands, rows = judged[settings.model_selection]

    def error_mm(network: DetNet) -> float:
        readings = read_samples(network, hands, rows, settings, workers)
        return float(root_relative_errors_mm(readings.location, hands.samples.joints_3d_m[rows]).mean())

    return error_mm

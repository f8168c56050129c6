"""The data of one experiment: which labelled images are learnt from, held out, and predicted."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.label_cache import LabelCache
from simhand.datasets.loaders import LOADERS
from simhand.datasets.samples import HandSamples
from simhand.errors import ConfigError, DataError
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.finetuning.subsets import labelled_rows, validation_split
from simhand.settings.datasets import DatasetSettings, caveat_of, layout_of
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Rows = NDArray[np.int64]
Data = TypeVar("Data", HandSamples, HandDataset)


@dataclass(frozen=True)
class ExperimentData(Generic[Data]):
    """The labelled samples with their rows to train on and to validate on, and those to predict.

    First as labels alone (:class:`HandSamples`), then with their images (:class:`HandDataset`).
    """

    labelled: Data
    training_rows: Rows
    validation_rows: Rows
    evaluation: Data


def load_labels(
    settings: FinetuneSettings,
    dataset: DatasetSettings,
    root: Path,
    label_fraction: float,
    threads: int,
    scans_dir: Path | None = None,
) -> ExperimentData[HandSamples]:
    """Load and check both splits, keep the label fraction, split off the validation ids; reads no image.

    Labels that take long to read are kept in ``scans_dir``, if there is one.

    Raises:
        ConfigError: nothing loads the data set's kind.
        DataError: the data set is not as expected, or too few labels are left to train on.
    """
    if dataset.kind not in LOADERS:
        raise ConfigError(f"nothing loads a data set of kind '{dataset.kind}'; known: {', '.join(LOADERS)}")
    load = LOADERS[dataset.kind]
    cache = LabelCache(scans_dir, threads)
    labelled = load(root, dataset, "training", cache)
    labelled = labelled.take(labelled_rows(labelled, label_fraction, settings.label_subset))
    training_rows, validation_rows = validation_split(labelled, settings.validation_fraction)
    if len(training_rows) < settings.batch_size:
        raise DataError(
            f"label_fraction {label_fraction:g} of {root} leaves {len(training_rows)} images to "
            f"train on and finetune.batch_size is {settings.batch_size}; raise label_fraction or lower "
            "batch_size"
        )
    evaluation = load(root, dataset, "evaluation", cache)
    caveat = caveat_of(dataset)
    if caveat is not None:
        log.warning("%s: %s", root, caveat)
    if settings.model_selection == "test" and not evaluation.has_joints:
        raise DataError(
            f"finetune.model_selection is test, but {_why_no_ground_truth(dataset, root)}; set "
            "model_selection to validation or last"
        )
    log.info(
        "%d images to train on, %d held out, %d to predict",
        len(training_rows),
        len(validation_rows),
        len(evaluation),
    )
    return ExperimentData(labelled, training_rows, validation_rows, evaluation)


def _why_no_ground_truth(dataset: DatasetSettings, root: Path) -> str:
    """Why the evaluation samples have no ground truth."""
    if layout_of(dataset) == "freihand":
        return f"{root}/evaluation_xyz.json does not exist"
    return f"the evaluation split of {root} does not tell all joints"


def open_images(
    labels: ExperimentData[HandSamples],
    settings: FinetuneSettings,
    crop_factor: float,
    seed: int,
    threads: int,
) -> ExperimentData[HandDataset]:
    """The samples of ``labels`` with their images.

    Raises:
        DataError: images cannot be read.
    """

    def prepare(samples: HandSamples) -> HandDataset:
        images = ImageStore(samples, settings.cache_mb, settings.negative_images, threads)
        return HandDataset(samples, images, settings, crop_factor, seed)

    return ExperimentData(
        prepare(labels.labelled), labels.training_rows, labels.validation_rows, prepare(labels.evaluation)
    )

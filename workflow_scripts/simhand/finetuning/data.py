"""The data of one experiment: which labelled images are learnt from, held out, and predicted."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simhand.errors import ConfigError, DataError
from simhand.finetuning.batches import HandDataset
from simhand.finetuning.freihand import Split, load_freihand
from simhand.finetuning.images import ImageStore
from simhand.finetuning.samples import HandSamples
from simhand.finetuning.subsets import labelled_rows, validation_split
from simhand.settings.datasets import DatasetSettings
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Rows = NDArray[np.int64]
Loader = Callable[[Path, Split, bool], HandSamples]

# By the kind of a data set; the demo world writes its labels in FreiHAND's layout.
LOADERS: dict[str, Loader] = {"freihand": load_freihand, "rendered": load_freihand}


@dataclass(frozen=True)
class ExperimentData:
    """The labelled set with its rows to train on and to validate on, and the evaluation set."""

    labelled: HandDataset
    training_rows: Rows
    validation_rows: Rows
    evaluation: HandDataset


def load_data(
    settings: FinetuneSettings,
    dataset: DatasetSettings,
    root: Path,
    label_fraction: float,
    seed: int,
    threads: int,
) -> ExperimentData:
    """Load and check both splits, keep the label fraction, split off the validation ids.

    Raises:
        ConfigError: nothing loads the data set's kind.
        DataError: the data set is not as expected, or too few labels are left to train on.
    """
    if dataset.kind not in LOADERS:
        raise ConfigError(f"nothing loads a data set of kind '{dataset.kind}'; known: {', '.join(LOADERS)}")
    load = LOADERS[dataset.kind]
    scale_given = dataset.scale_source == "dataset"
    labelled = load(root, "training", scale_given)
    labelled = labelled.take(labelled_rows(labelled, label_fraction, settings.label_subset))
    training_rows, validation_rows = validation_split(labelled, settings.validation_fraction)
    if len(training_rows) < settings.batch_size:
        raise DataError(
            f"label_fraction {label_fraction:g} of {root}/training leaves {len(training_rows)} images to "
            f"train on and finetune.batch_size is {settings.batch_size}; raise label_fraction or lower "
            "batch_size"
        )
    evaluation = load(root, "evaluation", scale_given)
    if settings.model_selection == "test" and not evaluation.has_joints:
        raise DataError(
            f"finetune.model_selection is test, but {root}/evaluation_xyz.json does not exist; "
            "set model_selection to validation or last"
        )

    def prepare(samples: HandSamples) -> HandDataset:
        images = ImageStore(samples, settings.cache_mb, settings.negative_images, threads)
        return HandDataset(samples, images, settings, dataset.crop_factor, seed)

    log.info(
        "%d images to train on, %d held out, %d to predict",
        len(training_rows),
        len(validation_rows),
        len(evaluation),
    )
    return ExperimentData(prepare(labelled), training_rows, validation_rows, prepare(evaluation))

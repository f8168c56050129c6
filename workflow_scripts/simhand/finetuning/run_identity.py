"""What the result of a fine-tuning depends on: a checkpoint is continued only if all of it is the same."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from simhand.datasets.samples import HandSamples
from simhand.encoder_weights import initial_weights
from simhand.files.identity import digest_of
from simhand.finetuning.data import ExperimentData
from simhand.finetuning.weak_supervision import PseudoLabelledSet
from simhand.settings.datasets import DatasetSettings
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.digests import code_digests, file_digests, hands_digests, imported_code

COMPUTING = ("finetuning/step.py", "finetuning/weak_supervision.py", "backbones.py")
"""With what they import of this package and of the data sets: all that the weights follow from."""

LOOKERS = 16
"""Threads that ask for the sizes of images: a network file system takes its time over each."""


def run_identity(
    experiment: FinetuneExperiment,
    settings: FinetuneSettings,
    dataset: DatasetSettings,
    labels: ExperimentData[HandSamples],
    encoder: Path | None,
    pseudo_labelled: PseudoLabelledSet | None,
) -> dict[str, Any]:
    """Experiment, settings, digests of the data and of the initial weights, and of the code that trains.

    What is predicted in the end does not count unless it chooses the epoch.

    Args:
        experiment: all but its name counts.
        settings: all but what only watches, saves or says where counts.
        dataset: all but its root counts.
        labels: the samples, and which of them are learnt from.
        encoder: the pre-trained encoder.
        pseudo_labelled: the set whose crops are learnt from too.

    Raises:
        DataError: a file is missing.
    """
    chooses = settings.model_selection == "test"
    hands = hands_digests(*pseudo_labelled) if pseudo_labelled else {}
    set_file = pseudo_labelled.file if pseudo_labelled else None
    init = encoder or initial_weights(experiment.init, settings.encoder)
    return {
        "experiment": experiment.model_dump(exclude={"name"}),
        "settings": json.loads(settings.effective_json()),
        "dataset": dataset.model_dump(exclude={"root"}),
        "labels": samples_digest(labels.labelled),
        "training_rows": digest_of(labels.training_rows.tolist()),
        "evaluation": samples_digest(labels.evaluation) if chooses else None,
        "files": file_digests({"init": init, "set": set_file}),
        **hands,
        "code": code_identity(),
    }


def samples_digest(samples: HandSamples) -> str:
    """Of all labels, and of the names and sizes of the images, wherever they lie."""
    digest = hashlib.blake2b(digest_size=16)
    for each in fields(samples):
        if each.name != "root":
            array = np.ascontiguousarray(getattr(samples, each.name))
            digest.update(f"{each.name} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
    with ThreadPoolExecutor(LOOKERS) as pool:
        sizes = list(pool.map(_size_bytes, (samples.root / name for name in samples.images)))
    digest.update(np.array(sizes, dtype=np.int64).tobytes())
    return digest.hexdigest()


def code_identity() -> dict[str, str]:
    """A digest of each file that the weights follow from, by its name."""
    return code_digests(imported_code(COMPUTING), COMPUTING, ("finetuning", "datasets"))


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1

"""Weak supervision (paper, 6.4): labelled images, and crops with pseudo-labelled 2D keypoints beside them.

The crops and keypoints are those of a pre-training set, as pre-training reads them: right hands all, the
keypoints found by the pipeline and neither filtered nor corrected. They are cut out, turned and recoloured as
labelled images are, and reach the heat-map loss only, since they have no 3D joints.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.samples import HandSamples
from simhand.errors import ConfigError
from simhand.finetuning.epoch_batches import EpochBatches, Key, shuffled
from simhand.finetuning.hand_dataset import HandDataset, Sample
from simhand.mining.sets import load_keypoints, load_set
from simhand.pretraining.crops import Crops
from simhand.settings.finetune import FinetuneSettings

SEED_SHIFT = 2**32
"""Sets the draws of pseudo-labelled images apart from those of labelled ones."""


class PseudoLabelledSet(NamedTuple):
    """A mined set whose crops are learnt from too, and the folder of the run that it is of."""

    run_dir: Path
    file: Path


class CropImages:
    """The crops of a set by row, as :class:`simhand.finetuning.images.ImageStore` gives images."""

    def __init__(self, crops: Crops, negative: bool) -> None:
        self._crops, self._negative = crops, negative
        self.unreadable: list[int] = []

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        image = self._crops.image(row)
        return np.negative(image) if self._negative else image

    def raise_unreadable(self) -> None:
        """A broken crop stops the training where it is met."""


class JoinedHands:
    """Labelled samples, and after their last row the pseudo-labelled ones."""

    def __init__(self, labelled: HandDataset, pseudo_labelled: HandDataset) -> None:
        self.labelled, self.pseudo_labelled = labelled, pseudo_labelled

    def __getitem__(self, key: Key) -> Sample:
        epoch, row = key
        if row < len(self.labelled):
            return self.labelled[key]
        return self.pseudo_labelled[epoch, row - len(self.labelled)]


class MixedBatches(EpochBatches):
    """Batches of labelled rows, each with so many pseudo-labelled ones after them.

    All pseudo-labelled images are shown once, in an order that follows from the seed, before any is shown
    again; how often an image was shown is the epoch in its key.

    Args:
        labelled: the batches of labelled rows.
        first_row: number of the first pseudo-labelled row.
        count: how many there are.
        per_batch: how many join a batch.
        seed: of the order.
    """

    def __init__(self, labelled: EpochBatches, first_row: int, count: int, per_batch: int, seed: int) -> None:
        self._labelled = labelled
        self._rows = first_row + np.arange(count)
        self._per_batch = per_batch
        self.first_step = labelled.first_step
        self.steps_per_epoch, self.total_steps = labelled.steps_per_epoch, labelled.total_steps
        self._order = lru_cache(2)(lambda shown: shuffled(self._rows, SEED_SHIFT + seed, shown))

    def __iter__(self) -> Iterator[list[Key]]:
        for step, keys in enumerate(self._labelled, self.first_step):
            places = range(step * self._per_batch, (step + 1) * self._per_batch)
            yield [*keys, *(self._key(place) for place in places)]

    def _key(self, place: int) -> Key:
        shown, position = divmod(place, len(self._rows))
        return shown, int(self._order(shown)[position])


def pseudo_labelled_per_batch(settings: FinetuneSettings) -> int:
    """How many images of a batch are pseudo-labelled.

    Raises:
        ConfigError: none or all would be.
    """
    count = round(settings.pseudo_labelled_share * settings.batch_size)
    if not 0 < count < settings.batch_size:
        raise ConfigError(
            f"finetune.pseudo_labelled_share {settings.pseudo_labelled_share:g} of a batch of "
            f"{settings.batch_size} is {count} images; a batch needs labelled and pseudo-labelled ones"
        )
    return count


def load_pseudo_labelled(
    settings: FinetuneSettings, chosen: PseudoLabelledSet, crop_factor: float, seed: int, threads: int
) -> HandDataset:
    """The hands of a set as samples without 3D joints.

    Raises:
        DataError: a file is missing or broken, or set, crops and keypoints do not belong together.
    """
    hands = load_set(chosen.file)
    # what is cut out is about as large as the crop or larger, so the network's side is all that is needed
    crops = Crops(chosen.run_dir, hands, settings.input_px, False, settings.cache_mb, threads)
    keypoints = load_keypoints(chosen.run_dir, hands).astype(np.float64)
    samples = _samples(chosen.run_dir, keypoints * crops.side_px, hands["crop_file"].to_pylist())
    images = CropImages(crops, settings.negative_images)
    return HandDataset(samples, images, settings, crop_factor, SEED_SHIFT + seed)


def _samples(root: Path, joints_2d_px: NDArray[np.float64], crop_files: list[str]) -> HandSamples:
    count = len(joints_2d_px)
    return HandSamples.filled(
        root,
        np.array(crop_files),
        image_ids=np.arange(count),
        unique_ids=np.arange(count),
        joints_2d_px=joints_2d_px,
        intrinsics=np.tile(np.eye(3), (count, 1, 1)),
    )

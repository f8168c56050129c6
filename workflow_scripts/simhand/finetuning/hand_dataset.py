"""Labelled samples as the network learns from them: cut out of their images, and augmented.

What a sample looks like is a pure function of (seed, epoch, image id): the number of loader processes and
the order of the samples change nothing.
"""

import logging
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch.utils.data import Dataset

from simhand.datasets.samples import HandSamples
from simhand.errors import DataError
from simhand.finetuning.colour import draw_colour
from simhand.finetuning.crop_geometry import (
    RELEASED_STATES,
    Crop,
    crop_around,
    jittered_crop,
    released_jitter,
    rotation_about_z,
    transform_intrinsics,
    transform_points,
    warp,
)
from simhand.finetuning.epoch_batches import EVALUATION_EPOCH, Key
from simhand.finetuning.images import Images, UnreadableImageError
from simhand.settings.finetune import FinetuneSettings
from simhand.text import listed

log = logging.getLogger("simhand")

Sample = dict[str, NDArray[np.generic]]
"""A sample of :class:`simhand.finetuning.batches.Batch`: the same names, without the first axis."""

STAND_INS = 100
"""How many samples the release's substitution tries before the data set is given up."""


class HandDataset(Dataset[Sample]):
    """Samples by (epoch, row), for torch's DataLoader."""

    def __init__(
        self,
        samples: HandSamples,
        images: Images,
        settings: FinetuneSettings,
        crop_factor: float,
        seed: int,
    ) -> None:
        self.samples = samples
        self._images = images
        self._settings = settings
        self._crop_factor = crop_factor
        self._seed = seed
        if settings.unreadable_images == "reject" or len(images.unreadable) == len(samples):
            images.raise_unreadable()
        if images.unreadable:
            rows = listed(f"row {row}" for row in images.unreadable)
            log.warning("unreadable images, other samples take their place as in the release: %s", rows)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Sample:
        epoch, row = key
        samples, settings = self.samples, self._settings
        source, image = self._readable(row)
        crop = self._crop(source, image.shape)
        colour = np.array([1, 1, 1, 0], dtype=np.float32)
        if epoch != EVALUATION_EPOCH:
            rng = np.random.default_rng([self._seed, epoch, int(samples.image_ids[source])])
            crop = _vary_crop(crop, rng, settings)
            colour = draw_colour(rng, settings.colour_jitter, settings.hue_jitter)
            if settings.max_blur_px:
                blur = ImageFilter.GaussianBlur(rng.uniform(0, settings.max_blur_px))
                image = np.asarray(Image.fromarray(image).filter(blur))
        affine = crop.affine(settings.input_px)
        rotation = rotation_about_z(crop.rotation)
        return {
            "image": warp(image, affine, settings.input_px, nearest=settings.warp == "nearest"),
            "joints_2d": transform_points(affine, samples.joints_2d_px[source]).astype(np.float32),
            "joints_3d": (samples.joints_3d_m[source] @ rotation.T).astype(np.float32),
            "intrinsics": transform_intrinsics(affine, samples.intrinsics[source], crop.rotation),
            "affine": affine,
            "colour": colour,
            "visible": samples.visible[source].astype(np.float32),
            "has_3d": np.float32(np.isfinite(samples.joints_3d_m[source]).any()),
        }

    def _readable(self, row: int) -> tuple[int, NDArray[np.uint8]]:
        """A row and its image: those asked for, or in the release of another row if the image is broken."""
        rng = np.random.default_rng([self._seed, row])
        source = row
        for _ in range(STAND_INS):
            try:
                return source, self._images[source]
            except UnreadableImageError:
                if self._settings.unreadable_images == "reject":
                    raise
                source = int(rng.integers(len(self.samples)))
        raise DataError(
            f"the image of row {row} cannot be decoded, and neither can those of {STAND_INS} rows in its "
            "place; copy or download the data set again"
        )

    def _crop(self, row: int, shape: tuple[int, ...]) -> Crop:
        """The data set's crop, else the joints', or the whole image where there are no joints."""
        if np.isfinite(self.samples.boxes_px[row]).all():
            low, high = self.samples.boxes_px[row].reshape(2, 2)
            return Crop((low + high) / 2, float((high - low).max()))
        if not np.isfinite(self.samples.joints_2d_px[row]).all():
            return Crop(np.array([shape[1] / 2, shape[0] / 2]), float(max(shape[:2])))
        truncated = self._settings.crop_geometry == "truncated"
        return crop_around(self.samples.joints_2d_px[row], self._crop_factor, truncated)


def _vary_crop(crop: Crop, rng: np.random.Generator, settings: FinetuneSettings) -> Crop:
    amounts = settings.centre_jitter, settings.scale_jitter, math.radians(settings.max_rotation_degrees)
    if settings.crop_geometry == "truncated":
        return released_jitter(crop, int(rng.integers(RELEASED_STATES)), *amounts)
    return jittered_crop(crop, rng, *amounts)

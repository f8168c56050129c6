"""From labelled samples to batches: cutting, augmenting, and the tensors that the network and losses take.

What a sample looks like is a pure function of (seed, epoch, image id): the number of loader processes and
the order of the samples change nothing.
"""

import logging
import math
from collections.abc import Iterator
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from simhand.finetuning.colour import draw_colour, jitter_colour, normalise
from simhand.finetuning.detnet import STRIDE, Maps
from simhand.finetuning.geometry import (
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
from simhand.finetuning.images import ImageStore
from simhand.finetuning.losses import MAP_LOSSES, Losses, heat_loss, weighted_sum
from simhand.finetuning.samples import HandSamples
from simhand.finetuning.targets import delta_vectors, exact_heat_maps, location_vectors, truncated_heat_maps
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Key = tuple[int, int]
"""Epoch and row of a sample."""

EVALUATION_EPOCH = -1
"""The epoch of samples that are cut out as they are."""


class Batch(TypedDict):
    """B samples: the cut images and the labels that belong to them after augmentation."""

    row: Tensor
    image: Tensor
    """(B, side, side, 3) uint8."""
    joints_2d: Tensor
    """(B, 21, 2) pixels of the cut image."""
    joints_3d: Tensor
    """(B, 21, 3) metres, rotated with the image."""
    intrinsics: Tensor
    """(B, 3, 3): projects ``joints_3d`` onto ``joints_2d``."""
    affine: Tensor
    """(B, 3, 3): original pixels to pixels of the cut image."""
    colour: Tensor
    """(B, 4) colour draws."""
    has_3d: Tensor
    """(B,) 1 where the 3D joints may be learnt from."""


class HandDataset(Dataset[dict[str, NDArray[np.generic]]]):
    """Samples by (epoch, row), for torch's DataLoader."""

    def __init__(
        self,
        samples: HandSamples,
        images: ImageStore,
        settings: FinetuneSettings,
        crop_factor: float,
        seed: int,
    ) -> None:
        self.samples = samples
        self._images = images
        self._settings = settings
        self._crop_factor = crop_factor
        self._seed = seed
        self._stand_ins = _stand_ins(images, len(samples), settings, seed)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> dict[str, NDArray[np.generic]]:
        epoch, row = key
        source = self._stand_ins.get(row, row)
        samples, settings = self.samples, self._settings
        image = self._images[source]
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
            "row": np.int64(row),
            "image": warp(image, affine, settings.input_px, nearest=settings.warp == "nearest"),
            "joints_2d": transform_points(affine, samples.joints_2d_px[source]).astype(np.float32),
            "joints_3d": (samples.joints_3d_m[source] @ rotation.T).astype(np.float32),
            "intrinsics": transform_intrinsics(affine, samples.intrinsics[source], crop.rotation),
            "affine": affine,
            "colour": colour,
            "has_3d": np.float32(1),
        }

    def _crop(self, row: int, shape: tuple[int, ...]) -> Crop:
        """The joints' crop, or the whole image where there are no joints."""
        if not np.isfinite(self.samples.joints_2d_px[row]).all():
            return Crop(np.array([shape[1] / 2, shape[0] / 2]), float(max(shape[:2])))
        truncated = self._settings.crop_geometry == "truncated"
        return crop_around(self.samples.joints_2d_px[row], self._crop_factor, truncated)


class EpochBatches(Sampler[list[Key]]):
    """The keys of all training epochs in batches, shuffled by (seed, epoch), without a partial last batch."""

    def __init__(self, rows: NDArray[np.int64], batch_size: int, epochs: range, seed: int) -> None:
        self._rows, self._batch_size, self._epochs, self._seed = rows, batch_size, epochs, seed
        self.steps_per_epoch = len(rows) // batch_size

    def __len__(self) -> int:
        return self.steps_per_epoch * len(self._epochs)

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in self._epochs:
            order = self._rows[np.random.default_rng([self._seed, epoch]).permutation(len(self._rows))]
            for step in range(self.steps_per_epoch):
                chosen = order[step * self._batch_size : (step + 1) * self._batch_size]
                yield [(epoch, int(row)) for row in chosen]


def evaluation_batches(rows: NDArray[np.int64], batch_size: int) -> list[list[Key]]:
    """The keys of ``rows`` in order, every one of them, without augmentation."""
    return [
        [(EVALUATION_EPOCH, int(row)) for row in rows[start : start + batch_size]]
        for start in range(0, len(rows), batch_size)
    ]


def network_input(batch: Batch, settings: FinetuneSettings, training: bool) -> Tensor:
    """The images as the network takes them: (B, 3, side, side), in training recoloured, normalised."""
    images = batch["image"].permute(0, 3, 1, 2).float() / 255
    if training:
        images = jitter_colour(images, batch["colour"])
    return normalise(images, settings.input_statistics)


def batch_losses(maps: Maps, batch: Batch, settings: FinetuneSettings) -> Losses:
    """The losses of predicted ``maps`` against the batch's labels."""
    make_heat = exact_heat_maps if settings.heat_targets == "exact" else truncated_heat_maps
    heat = make_heat(batch["joints_2d"], maps.heat.shape[-1], STRIDE, settings.sigma_cells)
    map_loss = MAP_LOSSES[settings.map_losses]
    return weighted_sum(
        (settings.heat_weight, settings.delta_weight, settings.location_weight),
        heat_loss(maps.heat, heat.maps, heat.veil),
        map_loss(maps.delta, delta_vectors(batch["joints_3d"]), heat.maps, batch["has_3d"]),
        map_loss(maps.location, location_vectors(batch["joints_3d"]), heat.maps, batch["has_3d"]),
    )


def _vary_crop(crop: Crop, rng: np.random.Generator, settings: FinetuneSettings) -> Crop:
    amounts = settings.centre_jitter, settings.scale_jitter, math.radians(settings.max_rotation_degrees)
    if settings.crop_geometry == "truncated":
        return released_jitter(crop, int(rng.integers(RELEASED_STATES)), *amounts)
    return jittered_crop(crop, rng, *amounts)


def _stand_ins(images: ImageStore, count: int, settings: FinetuneSettings, seed: int) -> dict[int, int]:
    """The sample that takes the place of each unreadable one; only the release does so."""
    if settings.unreadable_images == "reject" or len(images.unreadable) == count:
        images.raise_unreadable()
    readable = np.setdiff1d(np.arange(count), images.unreadable)
    rng = np.random.default_rng(seed)
    stand_ins = {row: int(rng.choice(readable)) for row in images.unreadable}
    for row, stand_in in stand_ins.items():
        log.warning("unreadable image in row %d: row %d takes its place, as in the release", row, stand_in)
    return stand_ins

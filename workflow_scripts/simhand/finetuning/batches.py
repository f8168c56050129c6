"""From labelled samples to batches: cutting, augmenting, and the tensors that the network and losses take.

What a sample looks like is a pure function of (seed, epoch, image id): the number of loader processes and
the order of the samples change nothing.
"""

import logging
import math
from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from simhand.errors import DataError
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
from simhand.finetuning.images import Images, UnreadableImageError
from simhand.finetuning.losses import MAP_LOSSES, Losses, heat_loss, weighted_sum
from simhand.finetuning.samples import HandSamples
from simhand.finetuning.shortfalls import listing
from simhand.finetuning.targets import (
    MIDDLE_BASE,
    PARENTS,
    ROOT,
    delta_vectors,
    exact_heat_maps,
    location_vectors,
    truncated_heat_maps,
)
from simhand.settings.finetune import FinetuneSettings

log = logging.getLogger("simhand")

Key = tuple[int, int]
"""Epoch and row of a sample."""

STAND_INS = 100
"""How many samples the release's substitution tries before the data set is given up."""

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
    visible: Tensor
    """(B, 21) 1 where a joint's labels may be learnt from."""
    has_3d: Tensor
    """(B,) 1 where the 3D joints may be learnt from."""


class HandDataset(Dataset[dict[str, NDArray[np.generic]]]):
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
            rows = listing([f"row {row}" for row in images.unreadable])
            log.warning("unreadable images, other samples take their place as in the release: %s", rows)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> dict[str, NDArray[np.generic]]:
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
            "row": np.int64(row),
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


class EpochBatches(Sampler[list[Key]]):
    """The keys of all training epochs in batches, shuffled by (seed, epoch), without a partial last batch.

    Args:
        rows: what to train on.
        batch_size: rows in a batch.
        epochs: how many.
        seed: of the order.
        first_step: how many batches to leave out, as they were trained on before.
    """

    def __init__(
        self, rows: NDArray[np.int64], batch_size: int, epochs: int, seed: int, first_step: int = 0
    ) -> None:
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self.first_step = first_step
        self.steps_per_epoch = len(rows) // batch_size
        self.total_steps = epochs * self.steps_per_epoch

    def __len__(self) -> int:
        return self.total_steps - self.first_step

    def __iter__(self) -> Iterator[list[Key]]:
        of_epoch, order = -1, self._rows
        for step in range(self.first_step, self.total_steps):
            epoch, place = divmod(step, self.steps_per_epoch)
            if epoch != of_epoch:
                of_epoch, order = epoch, shuffled(self._rows, self._seed, epoch)
            chosen = order[place * self._batch_size : (place + 1) * self._batch_size]
            yield [(epoch, int(row)) for row in chosen]


def shuffled(rows: NDArray[np.int64], *seeds: int) -> NDArray[np.int64]:
    """``rows`` in an order that is a function of ``seeds``."""
    return rows[np.random.default_rng(seeds).permutation(len(rows))]


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
    """The losses of predicted ``maps`` against the batch's labels.

    A joint that is not to be learnt from adds to no loss, and neither does what is measured from it: the
    bones that begin there, and if it is the wrist or the base of the middle finger all locations.
    """
    joints_2d, joints_3d = (torch.nan_to_num(batch[name]) for name in ("joints_2d", "joints_3d"))
    seen = batch["visible"] if settings.invisible_joints == "ignore" else torch.ones_like(batch["visible"])
    seen_3d = seen * batch["has_3d"][:, None]
    make_heat = exact_heat_maps if settings.heat_targets == "exact" else truncated_heat_maps
    heat = make_heat(joints_2d, maps.heat.shape[-1], STRIDE, settings.sigma_cells)
    bones = seen_3d * seen[:, list(PARENTS)]
    places = seen_3d * seen[:, [ROOT]] * seen[:, [MIDDLE_BASE]]
    map_loss = MAP_LOSSES[settings.map_losses]
    return weighted_sum(
        (settings.heat_weight, settings.delta_weight, settings.location_weight),
        heat_loss(maps.heat, heat.maps, heat.veil * seen),
        map_loss(maps.delta, delta_vectors(joints_3d), heat.maps, bones),
        map_loss(maps.location, location_vectors(joints_3d), heat.maps, places),
    )


def _vary_crop(crop: Crop, rng: np.random.Generator, settings: FinetuneSettings) -> Crop:
    amounts = settings.centre_jitter, settings.scale_jitter, math.radians(settings.max_rotation_degrees)
    if settings.crop_geometry == "truncated":
        return released_jitter(crop, int(rng.integers(RELEASED_STATES)), *amounts)
    return jittered_crop(crop, rng, *amounts)

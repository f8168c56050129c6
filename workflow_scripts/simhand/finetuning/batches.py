"""A batch of labelled samples as tensors: what the network takes of it, and the losses against its labels."""

from typing import TypedDict

import torch
from torch import Tensor

from simhand.finetuning.colour import jitter_colour, normalise
from simhand.finetuning.detnet import STRIDE, Maps
from simhand.finetuning.losses import MAP_LOSSES, Losses, heat_loss, weighted_sum
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


class Batch(TypedDict):
    """B samples: the cut images and the labels that belong to them after augmentation."""

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

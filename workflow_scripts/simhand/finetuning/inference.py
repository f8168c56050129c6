"""Inference over a data set: the poses that a network predicts, image by image without augmentation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simhand.finetuning.detnet import DetNet
from simhand.finetuning.epoch_batches import evaluation_batches
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.loading import load_batches
from simhand.finetuning.pose_decoding import decode_maps
from simhand.finetuning.step import predict_maps
from simhand.settings.finetune import FinetuneSettings


@dataclass(frozen=True)
class InferredPoses:
    """Of N samples: crop pixels (N, 21, 2), locations (N, 21, 3), and their affines (N, 3, 3)."""

    crop_xy: NDArray[np.float64]
    location: NDArray[np.float64]
    affine: NDArray[np.float64]


@torch.no_grad()
def infer_poses(
    network: DetNet,
    dataset: HandDataset,
    rows: NDArray[np.int64],
    settings: FinetuneSettings,
    workers: int,
    watch: Callable[[], None] = lambda: None,
) -> InferredPoses:
    """Run the network on ``rows`` without augmentation and decode its maps.

    Args:
        network: on its device.
        dataset: the samples.
        rows: which of them.
        settings: of the network.
        workers: processes that load; 0 is a thread of this one.
        watch: called after every batch; may raise to end it.
    """
    network.eval()
    device = next(network.parameters()).device
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for batch in load_batches(dataset, evaluation_batches(rows, settings.batch_size), device, workers):
        maps = predict_maps(network, batch, settings, training=False)
        decoded = decode_maps(maps, below_cell=settings.heat_targets == "exact")
        found.append((decoded.crop_xy, decoded.location, batch["affine"]))
        watch()
    return InferredPoses(*(torch.cat(parts).double().cpu().numpy() for parts in zip(*found, strict=True)))

"""What a fine-tuning leaves behind: predictions in metres, the checkpoint, and how the training went."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from simhand.datasets.sample_columns import flat, sample_columns
from simhand.datasets.samples import HandSamples, mirror_pixels, mirror_points
from simhand.files.atomic import atomic_path, write_text
from simhand.files.tables import make_table
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.inference import InferredPoses
from simhand.finetuning.pose_decoding import metric_pose, solve_root_translation, to_image
from simhand.finetuning.targets import MIDDLE_BASE, ROOT
from simhand.settings.finetune import FinetuneSettings


def prediction_table(samples: HandSamples, poses: InferredPoses, bone_0_9_m: float) -> pa.Table:
    """The predictions table: poses in metres in the camera frame, made without looking at the truth.

    The network gives root-relative poses in lengths of bone 0-9. The data set's bone length makes them
    metric (``scale_source`` dataset), else the mean hand of the training labels (predicted). The root
    follows from the predicted 2D joints and K (``root_source`` predicted).

    Args:
        samples: the evaluation samples.
        poses: what the network says of them.
        bone_0_9_m: mean length of bone 0-9 in the training labels.
    """
    relative = metric_pose(poses.location, samples.bone_9_10_m, bone_0_9_m)
    points_2d = to_image(poses.affine, poses.crop_xy)
    root = solve_root_translation(points_2d, relative, samples.intrinsics)
    scale_source = np.where(np.isfinite(samples.bone_9_10_m), "dataset", "predicted")
    columns = {
        **sample_columns(samples),
        "prediction": flat(mirror_points(relative + root[:, None], samples.mirror_width_px > 0)),
        "prediction_2d": flat(mirror_pixels(points_2d, samples.mirror_width_px)),
        "root_source": ["predicted"] * len(samples),
        "scale_source": scale_source.tolist(),
    }
    return make_table("predictions", columns)


def mean_bone_0_9_m(samples: HandSamples) -> float:
    """Mean length of bone 0-9 of labelled samples that show both its ends, metres."""
    bones = samples.joints_3d_m[:, MIDDLE_BASE] - samples.joints_3d_m[:, ROOT]
    measured = samples.visible[:, MIDDLE_BASE] & samples.visible[:, ROOT]
    return float(np.linalg.norm(bones[measured], axis=-1).mean())


def crop_over_joints(samples: HandSamples, crop_factor: float) -> float:
    """Side of the crop over the larger side of the joints' box, the median over the samples.

    That is ``crop_factor`` where crops follow from the joints, and more where they follow from wider boxes.
    """
    boxes = samples.boxes_px.reshape(-1, 2, 2)
    crop_px = np.ptp(boxes, axis=1).max(axis=-1)
    joints_px = np.ptp(samples.joints_2d_px, axis=1).max(axis=-1)
    given = np.isfinite(crop_px) & (joints_px > 0)
    return float(np.median(crop_px[given] / joints_px[given])) if given.any() else crop_factor


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Counts, losses and times as indented JSON."""
    write_text(path, json.dumps(metrics, indent=2) + "\n")


class FinetunedModel(NamedTuple):
    """A fine-tuned network in evaluation mode, and what it takes to use it on other images.

    ``bone_0_9_m`` is the mean length of bone 0-9 in its training labels, ``crop_factor`` the side of the
    crops it has learnt from over the larger side of the joints' box: the median, where they were cut around
    annotated boxes.
    """

    network: DetNet
    settings: FinetuneSettings
    bone_0_9_m: float
    crop_factor: float


def write_checkpoint(
    path: Path, network: DetNet, settings: FinetuneSettings, epoch: int, bone_0_9_m: float, crop_factor: float
) -> None:
    """The weights and all that is needed to build the network again and make its poses metric."""
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    content = {
        "model": weights,
        "settings": settings.model_dump(),
        "epoch": epoch,
        "mean_bone_0_9_m": bone_0_9_m,
        "crop_factor": crop_factor,
    }
    # An open file rather than a name: torch writes the file's name into the archive.
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save(content, file)


def load_checkpoint(path: Path) -> FinetunedModel:
    """The network of a finished fine-tuning, on the processor."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    settings = FinetuneSettings.model_validate(content["settings"])
    network = DetNet(settings.encoder, settings.head_width, settings.input_px)
    network.load_state_dict(content["model"])
    bone_0_9_m, crop_factor = float(content["mean_bone_0_9_m"]), float(content["crop_factor"])
    return FinetunedModel(network.eval(), settings, bone_0_9_m, crop_factor)

"""What a fine-tuning leaves behind: predictions in metres, the checkpoint, and how the training went."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from simhand.files.atomic import atomic_path, write_text
from simhand.files.tables import make_table
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.predict import metric_pose, solve_root_translation, to_image
from simhand.finetuning.samples import HandSamples, mirror_pixels, mirror_points
from simhand.finetuning.targets import MIDDLE_BASE, ROOT
from simhand.finetuning.train import Readings, Record
from simhand.settings.finetune import FinetuneSettings


def prediction_table(samples: HandSamples, readings: Readings, bone_0_9_m: float) -> pa.Table:
    """The predictions table: poses in metres in the camera frame, made without looking at the truth.

    The network gives root-relative poses in lengths of bone 0-9. The data set's bone length makes them
    metric (``scale_source`` dataset), else the mean hand of the training labels (predicted). The root
    follows from the predicted 2D joints and K (``root_source`` predicted).

    Args:
        samples: the evaluation samples.
        readings: what the network says of them.
        bone_0_9_m: mean length of bone 0-9 in the training labels.
    """
    relative = metric_pose(readings.location, samples.bone_9_10_m, bone_0_9_m)
    points_2d = to_image(readings.affine, readings.crop_xy)
    root = solve_root_translation(points_2d, relative, samples.intrinsics)
    scale_source = np.where(np.isfinite(samples.bone_9_10_m), "dataset", "predicted")
    seen = samples.unmirrored()
    columns = {
        "id": [f"{image_id:08d}" for image_id in samples.image_ids],
        "image": samples.images.tolist(),
        "side": np.where(samples.mirror_width_px > 0, "left", "right").tolist(),
        "sequence": [sequence or None for sequence in samples.sequences.tolist()],
        "frame": [None if frame < 0 else frame for frame in samples.frames.tolist()],
        "occluded_share": [None if np.isnan(share) else share for share in samples.occluded_share.tolist()],
        "prediction": _flat(mirror_points(relative + root[:, None], samples.mirror_width_px > 0)),
        "ground_truth": _flat(seen.joints_3d_m),
        "visible": samples.visible.tolist(),
        "prediction_2d": _flat(mirror_pixels(points_2d, samples.mirror_width_px)),
        "intrinsics": _flat(seen.intrinsics),
        "root_source": ["predicted"] * len(samples),
        "scale_source": scale_source.tolist(),
    }
    return make_table("predictions", columns)


def mean_bone_0_9_m(samples: HandSamples) -> float:
    """Mean length of bone 0-9 of labelled samples, metres."""
    bones = samples.joints_3d_m[:, MIDDLE_BASE] - samples.joints_3d_m[:, ROOT]
    return float(np.linalg.norm(bones, axis=-1).mean())


def write_history(path: Path, history: list[Record]) -> None:
    """One JSON line per epoch."""
    write_text(path, "".join(json.dumps(record) + "\n" for record in history))


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Counts, losses and times as indented JSON."""
    write_text(path, json.dumps(metrics, indent=2) + "\n")


def write_checkpoint(
    path: Path, network: DetNet, settings: FinetuneSettings, epoch: int, bone_0_9_m: float
) -> None:
    """The weights and all that is needed to build the network again and make its poses metric."""
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    content = {
        "model": weights,
        "settings": settings.model_dump(),
        "epoch": epoch,
        "mean_bone_0_9_m": bone_0_9_m,
    }
    with atomic_path(path) as partial:
        torch.save(content, partial)


def load_checkpoint(path: Path) -> tuple[DetNet, FinetuneSettings, float]:
    """The network in evaluation mode, its settings, and the mean length of bone 0-9 it was trained on."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    settings = FinetuneSettings.model_validate(content["settings"])
    network = DetNet(settings.encoder, settings.head_width, settings.input_px)
    network.load_state_dict(content["model"])
    return network.eval(), settings, float(content["mean_bone_0_9_m"])


def _flat(array: NDArray[np.float64]) -> list[list[float]]:
    flat: list[list[float]] = array.reshape(len(array), -1).tolist()
    return flat

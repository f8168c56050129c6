"""What the report needs to show predicted hands in 3D that can be turned: numbers and small pictures."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from simhand.report.figures.drawing import resize
from simhand.report.figures.methods import compared_models
from simhand.report.figures.predicted import (
    MM_PER_M,
    around_hand,
    best_median_worst,
    load_predicted,
)
from simhand.report.figures.short_labels import short_labels

THUMBNAIL_PX = 120
THUMBNAIL_QUALITY = 80


def hands_to_turn(run_dir: Path, names: Sequence[str], count: int) -> dict[str, Any] | None:
    """Easy, middling and hard hands of one data set with the poses of its models; None without any.

    Lengths are millimetres from the true wrist, the predictions aligned by wrist and bone 0-9, axes those of
    the camera (x right, y down, z forward). Joints that do not count are null in the truth.

    Args:
        run_dir: the run.
        names: its fine-tunings.
        count: hands of each kind.
    """
    compared, order = compared_models(run_dir, names)
    if not compared:
        return None
    chosen = best_median_worst(order, count)
    models = [load_predicted(run_dir, name, [row for _, row in chosen]) for name in compared]
    hands = [
        {
            "id": models[0].ids[place],
            "kind": kind,
            "image": _thumbnail(around_hand(models[0], place)[0]),
            "truth": _millimetres(models[0].truth_m[place]),
            "predictions": [_millimetres(model.aligned_m[place]) for model in models],
            "errors_mm": [round(float(model.errors_mm[place]), 1) for model in models],
        }
        for place, (kind, _) in enumerate(chosen)
    ]
    return {"models": short_labels(compared), "hands": hands}


def _millimetres(joints_m: npt.NDArray[np.float64]) -> list[list[float] | None]:
    rounded = np.round(MM_PER_M * joints_m, 1).tolist()
    return [joint if np.isfinite(joint).all() else None for joint in rounded]


def _thumbnail(pixels: npt.NDArray[np.uint8]) -> str:
    small = cv2.cvtColor(resize(pixels, THUMBNAIL_PX, THUMBNAIL_PX), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"

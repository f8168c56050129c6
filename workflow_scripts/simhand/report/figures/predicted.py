"""The predictions of a fine-tuning as figures show them: on their images, with their errors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.errors import DataError
from simhand.evaluation.alignment import bone_scaled
from simhand.files.tables import JOINTS, read_table
from simhand.report.figures.contact_sheet import Tile
from simhand.report.figures.drawing import Pixels, decode, draw_skeleton, moved, square_around
from simhand.settings.experiment_names import experiment_parts

MM_PER_M = 1000.0
TILE_PX = 216
MARGIN = 1.7
TRUTH_COLOUR = "#ffffff"
BONE_PX = 2.2
TRUTH_BONE_PX = 3.4

MEASURED_COLUMNS = ["id", "prediction", "ground_truth", "visible"]
COLUMNS = [*MEASURED_COLUMNS, "image", "prediction_2d", "intrinsics"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """How well a fine-tuning predicts its N samples.

    Attributes:
        ids: (N,) names of the samples.
        errors_mm: (N,) mean error over visible joints after aligning wrist and bone 0-9 (protocol
            simhand); NaN where the prediction cannot be aligned or no joint is visible.
    """

    ids: pa.ChunkedArray
    errors_mm: Floats


@dataclass(frozen=True)
class Predicted:
    """N predictions of one fine-tuning; joints that do not count are NaN in the truth.

    Attributes:
        images: paths of the images.
        errors_mm: (N,) as in :class:`Errors`.
        aligned_m, truth_m: (N, 21, 3) joints from the true wrist, the prediction aligned as for the error.
        points_2d, truth_2d: (N, 21, 2) pixels of the image.
    """

    name: str
    ids: list[str]
    images: list[Path]
    errors_mm: Floats
    aligned_m: Floats
    truth_m: Floats
    points_2d: Floats
    truth_2d: Floats


def load_errors(run_dir: Path, name: str) -> Errors:
    """The errors of all samples of a fine-tuning, small enough to hold for many models.

    Raises:
        DataError: its predictions cannot be read.
    """
    table = read_table(_predictions(run_dir, name), "predictions", MEASURED_COLUMNS)
    truth, aligned, visible = _hands(table)
    return Errors(table["id"], _errors_mm(truth, aligned, visible))


def load_predicted(run_dir: Path, name: str, rows: Sequence[int]) -> Predicted:
    """Some predictions of a fine-tuning, in the order of ``rows``, with the images they were made from.

    Raises:
        DataError: the folder of the data set is not known, or files are missing.
    """
    table = read_table(_predictions(run_dir, name), "predictions", COLUMNS).take(pa.array(rows, pa.int64()))
    root = _data_root(run_dir / "finetune" / name / "metrics.json")
    truth, aligned, visible = _hands(table)
    intrinsics = _array(table["intrinsics"], 3, 3)
    return Predicted(
        name=name,
        ids=table["id"].to_pylist(),
        images=[root / image for image in table["image"].to_pylist()],
        errors_mm=_errors_mm(truth, aligned, visible),
        aligned_m=aligned - truth[:, :1],
        truth_m=np.where(visible[..., None], truth - truth[:, :1], np.nan),
        points_2d=_array(table["prediction_2d"], JOINTS, 2),
        truth_2d=np.where(visible[..., None], _projected(truth, intrinsics), np.nan),
    )


def mean_errors_mm(run_dir: Path, names: Sequence[str]) -> Floats:
    """Mean error (N,) of each sample over models that are shown side by side; NaN if one model has none.

    Raises:
        DataError: they did not predict the same images.
    """
    models = [load_errors(run_dir, name) for name in names]
    if any(not model.ids.equals(models[0].ids) for model in models):
        raise DataError(f"{', '.join(names)} did not predict the same images; run finetune_detnet again")
    mean: Floats = np.mean([model.errors_mm for model in models], axis=0)
    return mean


def one_seed_each(names: Sequence[str]) -> list[str]:
    """The first of the experiments that differ in nothing but their seed."""
    found: dict[tuple[tuple[str, str], ...], str] = {}
    for name in names:
        parts = experiment_parts(name)
        parts.pop("seed", None)
        found.setdefault(tuple(parts.items()), name)
    return list(found.values())


def ranked(errors_mm: Floats) -> npt.NDArray[np.int64]:
    """The samples with a finite error, the smallest first."""
    order = np.argsort(errors_mm, kind="stable")
    return order[np.isfinite(errors_mm[order])]


def best_median_worst(order: npt.NDArray[np.int64], count: int) -> list[tuple[str, int]]:
    """``count`` samples of each kind from samples ordered by error; no sample twice."""
    count = min(count, max(1, len(order) // 3))
    middle = max(0, (len(order) - count) // 2)
    kinds = {
        "best": order[:count],
        "median": order[middle : middle + count],
        "worst": order[len(order) - count :],
    }
    found: dict[int, str] = {}
    for kind, rows in kinds.items():
        for row in rows:
            found.setdefault(int(row), kind)
    return [(kind, row) for row, kind in found.items()]


def prediction_tile(predicted: Predicted, row: int, kind: str = "") -> Tile:
    """The prediction in colours over the ground truth in white, with its error."""
    pixels, affine = around_hand(predicted, row)
    draw_skeleton(pixels, moved(predicted.truth_2d[row], affine), TRUTH_BONE_PX, TRUTH_COLOUR)
    draw_skeleton(pixels, moved(predicted.points_2d[row], affine), BONE_PX)
    error = f"{predicted.errors_mm[row]:.1f} mm" if np.isfinite(predicted.errors_mm[row]) else "failed"
    return Tile([pixels], [f"{kind} · {error}" if kind else error])


def image_tile(predicted: Predicted, row: int) -> Tile:
    """The image around the hand, with the name of the sample."""
    return Tile([around_hand(predicted, row)[0]], [predicted.ids[row]])


def truth_tile(predicted: Predicted, row: int) -> Tile:
    """The ground truth on the image."""
    pixels, affine = around_hand(predicted, row)
    draw_skeleton(pixels, moved(predicted.truth_2d[row], affine), TRUTH_BONE_PX, TRUTH_COLOUR)
    return Tile([pixels], [" "])


def around_hand(predicted: Predicted, row: int) -> tuple[Pixels, Floats]:
    """The square of the image around the true hand, and the affine (2, 3) from image to square."""
    path = predicted.images[row]
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}, an image of the evaluation set, cannot be read ({error.strerror})"
        ) from error
    joints = predicted.truth_2d[row]
    return square_around(decode(encoded, str(path)), joints[np.isfinite(joints).all(axis=1)], MARGIN, TILE_PX)


def _projected(joints: Floats, intrinsics: Floats) -> Floats:
    """Joints (N, 21, 3) of the camera frame to pixels (N, 21, 2)."""
    homogeneous = joints @ np.swapaxes(intrinsics, 1, 2)
    projected: Floats = homogeneous[..., :2] / homogeneous[..., 2:]
    return projected


def _predictions(run_dir: Path, name: str) -> Path:
    return run_dir / "finetune" / name / "predictions.parquet"


def _hands(table: pa.Table) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """True joints (N, 21, 3), the predicted ones laid over them, and which are visible (N, 21)."""
    truth = _array(table["ground_truth"], JOINTS, 3)
    aligned = bone_scaled(truth, _array(table["prediction"], JOINTS, 3))
    return truth, aligned, _array(table["visible"], JOINTS).astype(bool)


def _errors_mm(truth: Floats, aligned: Floats, visible: npt.NDArray[np.bool_]) -> Floats:
    distances = np.where(visible, np.linalg.norm(aligned - truth, axis=-1), 0.0)
    counted = visible.sum(axis=1)
    errors: Floats = MM_PER_M * distances.sum(axis=1) / np.where(counted > 0, counted, np.nan)
    return errors


def _array(column: pa.ChunkedArray, *shape: int) -> npt.NDArray[Any]:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, *shape)


def _data_root(path: Path) -> Path:
    try:
        return Path(json.loads(path.read_text(encoding="utf-8"))["data_root"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run finetune_detnet first") from error
    except (json.JSONDecodeError, KeyError) as error:
        raise DataError(
            f"{path} does not name its data_root, the folder of the images; run finetune_detnet again"
        ) from error

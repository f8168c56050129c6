"""Predicted hands over their ground truth, in 2D, on the images of the evaluation set."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.evaluation.alignment import bone_scaled
from simhand.files.tables import JOINTS, read_table
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.drawing import Pixels, decode, draw_skeleton, moved, square_around
from simhand.report.figures.experiment_names import experiment_parts, short_labels
from simhand.report.figures.style import Figure, image_png

MM_PER_M = 1000.0
TILE_PX = 216
ROWS_PER_SHEET = 6
COMPARED_MODELS = 6
MARGIN = 1.7
TRUTH_COLOUR = "#ffffff"
BONE_PX = 2.2
TRUTH_BONE_PX = 3.4

COLUMNS = ["id", "image", "prediction", "ground_truth", "visible", "prediction_2d", "intrinsics"]


@dataclass(frozen=True)
class Predicted:
    """The predictions of one fine-tuning, N samples.

    Attributes:
        images: paths of the images.
        errors_mm: (N,) mean error over visible joints after aligning wrist and bone 0-9 (protocol
            simhand); NaN where the prediction cannot be aligned.
        points_2d, truth_2d: (N, 21, 2) pixels of the image.
    """

    name: str
    ids: list[str]
    images: list[Path]
    errors_mm: npt.NDArray[np.float64]
    points_2d: npt.NDArray[np.float64]
    truth_2d: npt.NDArray[np.float64]


def load_predicted(run_dir: Path, name: str) -> Predicted:
    """Read finetune/<name>/predictions.parquet and find the images it was made from.

    Raises:
        DataError: the folder of the data set is not known, or files are missing.
    """
    folder = run_dir / "finetune" / name
    table = read_table(folder / "predictions.parquet", "predictions", COLUMNS)
    root = _data_root(folder / "metrics.json")
    truth = _array(table["ground_truth"].to_pylist(), (JOINTS, 3))
    intrinsics = _array(table["intrinsics"].to_pylist(), (3, 3))
    prediction = _array(table["prediction"].to_pylist(), (JOINTS, 3))
    visible = np.array(table["visible"].to_pylist(), bool).reshape(-1, JOINTS)
    distances = np.linalg.norm(bone_scaled(truth, prediction) - truth, axis=-1)
    counted = np.maximum(visible.sum(axis=1), 1)
    return Predicted(
        name=name,
        ids=table["id"].to_pylist(),
        images=[root / image for image in table["image"].to_pylist()],
        errors_mm=MM_PER_M * np.where(visible, distances, 0.0).sum(axis=1) / counted,
        points_2d=_array(table["prediction_2d"].to_pylist(), (JOINTS, 2)),
        truth_2d=_projected(truth, intrinsics),
    )


def draw_predictions(run_dir: Path, names: Sequence[str], count: int) -> list[Figure]:
    """Best, median and worst predictions of every fine-tuning, a few experiments per sheet."""
    figures = []
    labels = short_labels(names)
    starts = range(0, len(names), ROWS_PER_SHEET)
    for number, start in enumerate(starts, start=1):
        rows, titles = [], []
        for name, label in list(zip(names, labels, strict=True))[start : start + ROWS_PER_SHEET]:
            predicted = load_predicted(run_dir, name)
            order = ranked(predicted.errors_mm)
            if len(order) == 0:
                continue
            chosen = best_median_worst(order, count)
            rows.append([_tile(predicted, row, kind) for kind, row in chosen])
            titles.append(label.replace(", ", "\n"))
        if not rows:
            continue
        image = draw_sheet(Sheet(rows, TILE_PX, TILE_PX, row_titles=titles, gap_px=12))
        part = f" ({number} of {len(starts)})" if len(starts) > 1 else ""
        caption = (
            "Prediction (a colour per finger) over ground truth (white), projected into images of the "
            f"evaluation set: for each model its {count} best, {count} median and {count} worst by mean "
            "joint error, wrist and bone 0-9 aligned. The median tells more than the best: look for "
            "fingers that point the wrong way, and for what the worst have in common."
        )
        title = f"Predictions over ground truth{part}"
        figures.append(Figure(f"predictions_{number}", "predictions", title, caption, True, image_png(image)))
    return figures


def draw_comparison(run_dir: Path, names: Sequence[str], count: int) -> Figure | None:
    """The same images under several models, as the paper's Figure 5; None with fewer than two to compare."""
    compared = one_seed_each(names)[:COMPARED_MODELS]
    predicted = [load_predicted(run_dir, name) for name in compared]
    if len(predicted) < 2 or any(other.ids != predicted[0].ids for other in predicted):
        return None
    mean = np.mean([one.errors_mm for one in predicted], axis=0)
    order = ranked(mean)
    if len(order) == 0:
        return None
    chosen = [row for _, row in best_median_worst(order, count)]
    rows = [[_truth_tile(predicted[0], row), *(_tile(one, row) for one in predicted)] for row in chosen]
    titles = ["ground truth", *(label for label in short_labels(compared))]
    image = draw_sheet(Sheet(rows, TILE_PX, TILE_PX, column_titles=titles, gap_px=12))
    caption = (
        "The same images under each model (the form of the paper's Figure 5): easy, middling and hard "
        "ones by the mean error of all models. Left the ground truth alone; then each prediction over it, "
        "with its error."
    )
    return Figure(
        "comparison", "predictions", "The same hands under each model", caption, True, image_png(image)
    )


def one_seed_each(names: Sequence[str]) -> list[str]:
    """The first of the experiments that differ in nothing but their seed."""
    found: dict[tuple[tuple[str, str], ...], str] = {}
    for name in names:
        parts = experiment_parts(name)
        parts.pop("seed", None)
        found.setdefault(tuple(parts.items()), name)
    return list(found.values())


def ranked(errors_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
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


def _tile(predicted: Predicted, row: int, kind: str = "") -> Tile:
    pixels, affine = _around_hand(predicted, row)
    draw_skeleton(pixels, moved(predicted.truth_2d[row], affine), TRUTH_BONE_PX, TRUTH_COLOUR)
    draw_skeleton(pixels, moved(predicted.points_2d[row], affine), BONE_PX)
    error = f"{predicted.errors_mm[row]:.1f} mm" if np.isfinite(predicted.errors_mm[row]) else "failed"
    return Tile([pixels], [f"{kind} · {error}" if kind else error])


def _truth_tile(predicted: Predicted, row: int) -> Tile:
    pixels, affine = _around_hand(predicted, row)
    draw_skeleton(pixels, moved(predicted.truth_2d[row], affine), TRUTH_BONE_PX, TRUTH_COLOUR)
    return Tile([pixels], [predicted.ids[row]])


def _around_hand(predicted: Predicted, row: int) -> tuple[Pixels, npt.NDArray[np.float64]]:
    path = predicted.images[row]
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}, an image of the evaluation set, cannot be read ({error.strerror})"
        ) from error
    return square_around(decode(encoded, str(path)), predicted.truth_2d[row], MARGIN, TILE_PX)


def _projected(
    joints: npt.NDArray[np.float64], intrinsics: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Joints (N, 21, 3) of the camera frame to pixels (N, 21, 2)."""
    homogeneous = joints @ np.swapaxes(intrinsics, 1, 2)
    projected: npt.NDArray[np.float64] = homogeneous[..., :2] / homogeneous[..., 2:]
    return projected


def _array(values: list[list[float]], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64).reshape(-1, *shape)


def _data_root(path: Path) -> Path:
    try:
        return Path(json.loads(path.read_text(encoding="utf-8"))["data_root"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run finetune_detnet first") from error
    except (json.JSONDecodeError, KeyError) as error:
        raise DataError(
            f"{path} does not name its data_root, the folder of the images; run finetune_detnet again"
        ) from error

"""Predicted hands over their ground truth, in 2D, on the images of the evaluation set."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.predicted import (
    TILE_PX,
    Predicted,
    best_median_worst,
    load_errors,
    load_predicted,
    prediction_tile,
    ranked,
)
from simhand.report.figures.short_labels import short_labels
from simhand.report.figures.style import Figure, image_png

ROWS_PER_SHEET = 6
FAILURES_PER_ROW = 6


def draw_predictions(run_dir: Path, names: Sequence[str], count: int) -> list[Figure]:
    """Best, median and worst predictions of every fine-tuning, a few experiments per sheet."""
    figures = []
    labels = short_labels(names)
    starts = range(0, len(names), ROWS_PER_SHEET)
    for number, start in enumerate(starts, start=1):
        rows, titles = [], []
        for name, label in list(zip(names, labels, strict=True))[start : start + ROWS_PER_SHEET]:
            order = ranked(load_errors(run_dir, name).errors_mm)
            if len(order) == 0:
                continue
            chosen = best_median_worst(order, count)
            shown = load_predicted(run_dir, name, [row for _, row in chosen])
            rows.append([prediction_tile(shown, place, kind) for place, (kind, _) in enumerate(chosen)])
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


def draw_failures(run_dir: Path, names: Sequence[str], count: int) -> Figure | None:
    """The hands that the best model of the run predicts worst, the worst first; None without any error."""
    means_mm = {name: _mean_mm(load_errors(run_dir, name).errors_mm) for name in names}
    best = min(means_mm, key=means_mm.__getitem__, default=None)
    if best is None or np.isinf(means_mm[best]):
        return None
    errors_mm = load_errors(run_dir, best).errors_mm
    worst = ranked(errors_mm)[::-1][:count]
    shown = load_predicted(run_dir, best, worst.tolist())
    tiles = [_failure_tile(shown, place) for place in range(len(worst))]
    rows = [tiles[start : start + FAILURES_PER_ROW] for start in range(0, len(tiles), FAILURES_PER_ROW)]
    image = draw_sheet(Sheet(rows, TILE_PX, TILE_PX, gap_px=12))
    label = short_labels(names)[list(names).index(best)]
    lost = int(np.count_nonzero(~np.isfinite(errors_mm)))
    caption = (
        f"The {len(tiles)} of {len(errors_mm):,} evaluation hands that model “{label}” predicts worst, the "
        "worst first: the model with the smallest mean error of this run, so not a bad model's mistakes. "
        "Below each its mean joint error (wrist and bone 0-9 aligned) and its id in predictions.parquet."
    )
    if lost:
        caption += f" {lost} more could not be aligned or have no visible joint, and so no error."
    return Figure("failures", "failures", "Failures, worst first", caption, True, image_png(image))


def _mean_mm(errors_mm: npt.NDArray[np.float64]) -> float:
    """The mean of the finite errors; infinite if there is none."""
    finite = errors_mm[np.isfinite(errors_mm)]
    return float(finite.mean()) if len(finite) else float("inf")


def _failure_tile(predicted: Predicted, row: int) -> Tile:
    tile = prediction_tile(predicted, row)
    return replace(tile, lines=[*tile.lines, predicted.ids[row]])

"""The same hands under several models, as in Figures 5 and 7 of the paper."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.predicted import (
    TILE_PX,
    Predicted,
    best_median_worst,
    image_tile,
    load_predicted,
    mean_errors_mm,
    one_seed_each,
    prediction_tile,
    ranked,
    truth_tile,
)
from simhand.report.figures.short_labels import short_labels
from simhand.report.figures.style import Figure, image_png
from simhand.settings.experiment_names import experiment_parts
from simhand.settings.experiments import METHOD_TITLES

COMPARED_MODELS = 6
TITLE = "The same hands under each model"


def draw_comparison(run_dir: Path, names: Sequence[str], count: int) -> Figure | None:
    """Some hands of one data set under the models fine-tuned on it; None with fewer than two."""
    compared, order = compared_models(run_dir, names)
    if len(compared) < 2:
        return None
    titles = short_labels(compared)
    return _figure("comparison", [_rows(run_dir, compared, order, count, "")], titles)


def draw_methods(run_dir: Path, names: Sequence[str], count: int) -> Figure | None:
    """Figures 5 and 7 of the paper: some hands of every data set, a column for each method.

    Of the experiments of one method and data set, which may differ in seed or weighting, the first is shown.

    Args:
        run_dir: the run.
        names: the fine-tunings of the figure's experiments.
        count: hands of each kind: easy, middling and hard.
    """
    groups = by_dataset(names)
    shown = [
        method for method in METHOD_TITLES if any(_of_method(group, method) for group in groups.values())
    ]
    blocks = []
    for dataset, group in groups.items():
        chosen = [_of_method(group, method) for method in shown]
        order = ranked(mean_errors_mm(run_dir, [name for name in chosen if name is not None]))
        blocks.append(_rows(run_dir, chosen, order, count, dataset))
    return _figure("methods", blocks, [METHOD_TITLES[method] for method in shown])


def compared_models(run_dir: Path, names: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The models to show side by side, and the hands that all of them have an error for, the smallest first.

    They are of the first data set that has such hands: one of every method, and where there are few, others
    that differ in more than their seed. No models if no data set has such hands.

    Raises:
        DataError: the models of a data set did not predict the same images.
    """
    for group in by_dataset(one_seed_each(names)).values():
        of_methods = [name for method in METHOD_TITLES if (name := _of_method(group, method))]
        others = [name for name in group if name not in of_methods]
        compared = [*of_methods, *others][:COMPARED_MODELS]
        order = ranked(mean_errors_mm(run_dir, compared))
        if len(order):
            return compared, order
    return [], np.empty(0, np.int64)


def by_dataset(names: Sequence[str]) -> dict[str, list[str]]:
    """The fine-tunings of each data set, in their order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(experiment_parts(name).get("dataset", ""), []).append(name)
    return groups


Row = tuple[str, list[Tile]]


def _of_method(names: Sequence[str], method: str) -> str | None:
    return next((name for name in names if experiment_parts(name).get("method") == method), None)


def _rows(
    run_dir: Path, names: Sequence[str | None], order: npt.NDArray[np.int64], count: int, title: str
) -> list[Row]:
    """Some hands of ``order``, each with its image, its truth, and the predictions (None: not run)."""
    chosen = [row for _, row in best_median_worst(order, count)]
    models = [load_predicted(run_dir, name, chosen) if name else None for name in names]
    shown = next(model for model in models if model is not None)
    return [
        (title, [*_truth(shown, place), *(_predicted(model, place) for model in models)])
        for place in range(len(chosen))
    ]


def _truth(predicted: Predicted, row: int) -> list[Tile]:
    return [image_tile(predicted, row), truth_tile(predicted, row)]


def _predicted(model: Predicted | None, row: int) -> Tile:
    if model is None:
        return Tile([np.full((TILE_PX, TILE_PX, 3), 244, np.uint8)], ["not run"])
    return prediction_tile(model, row)


def _figure(name: str, blocks: Sequence[Sequence[Row]], titles: Sequence[str]) -> Figure | None:
    rows = [row for block in blocks for row in block]
    if not rows:
        return None
    columns = ["image", "ground truth", *titles]
    row_titles = [title for title, _ in rows]
    sheet = Sheet(
        [tiles for _, tiles in rows],
        TILE_PX,
        TILE_PX,
        row_titles=row_titles if any(row_titles) else (),
        column_titles=columns,
        gap_px=12,
    )
    caption = (
        "The same evaluation hands under each model: easy, middling and hard ones by the mean error of all "
        "of them, not picked by hand. Left the image and the ground truth (white); then each prediction (a "
        "colour per finger) over it, with its mean joint error after aligning wrist and bone 0-9."
    )
    return Figure(name, "comparison", TITLE, caption, True, image_png(draw_sheet(sheet)))

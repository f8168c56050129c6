"""The same hands under several models, as in Figures 5 and 7 of the paper."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.experiment_names import experiment_parts, short_labels
from simhand.report.figures.predicted import (
    TILE_PX,
    Predicted,
    best_median_worst,
    image_tile,
    load_compared,
    one_seed_each,
    prediction_tile,
    ranked,
    truth_tile,
)
from simhand.report.figures.style import Figure, image_png
from simhand.settings.experiments import METHOD_TITLES

COMPARED_MODELS = 6
TITLE = "The same hands under each model"


def draw_comparison(run_dir: Path, names: Sequence[str], count: int) -> Figure | None:
    """Some hands of the first data set under all models fine-tuned on it; None with fewer than two."""
    groups = list(by_dataset(one_seed_each(names)).values())
    compared = groups[0][:COMPARED_MODELS] if groups else []
    if len(compared) < 2:
        return None
    titles = short_labels(compared)
    return _figure("comparison", [_rows(run_dir, compared, count, "")], titles)


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
        blocks.append(_rows(run_dir, chosen, count, dataset))
    return _figure("methods", blocks, [METHOD_TITLES[method] for method in shown])


def by_dataset(names: Sequence[str]) -> dict[str, list[str]]:
    """The fine-tunings of each data set, in their order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(experiment_parts(name).get("dataset", ""), []).append(name)
    return groups


Row = tuple[str, list[Tile]]


def _of_method(names: Sequence[str], method: str) -> str | None:
    return next((name for name in names if experiment_parts(name).get("method") == method), None)


def _rows(run_dir: Path, names: Sequence[str | None], count: int, title: str) -> list[Row]:
    """Some hands, each with its image, its truth, and the predictions of the models (None: not run)."""
    run = load_compared(run_dir, [name for name in names if name is not None])
    models = [next((one for one in run if one.name == name), None) for name in names]
    order = ranked(np.mean([model.errors_mm for model in run], axis=0))
    chosen = [row for _, row in best_median_worst(order, count)] if len(order) else []
    return [(title, [*_truth(run[0], row), *(_predicted(model, row) for model in models)]) for row in chosen]


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

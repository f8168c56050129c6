"""Figures of predictions: failures in order, the same hands under each model, and what the 3D view shows."""

import base64
import json
import shutil
from pathlib import Path

import cv2
import miniature_run
import numpy as np
import pytest
from PIL import Image

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.report.figures import methods, predictions
from simhand.report.figures.hands_3d import hands_to_turn
from simhand.report.figures.methods import compared_models, draw_comparison, draw_methods
from simhand.report.figures.predicted import load_errors, load_predicted
from simhand.report.figures.predictions import draw_failures, draw_predictions

NAMES = miniature_run.FINETUNE


@pytest.fixture
def sheets(monkeypatch):
    """The sheets that are drawn, without their pictures."""
    found = []

    def draw(sheet):
        found.append(sheet)
        return Image.new("RGB", (10, 10))

    for module in (methods, predictions):
        monkeypatch.setattr(module, "draw_sheet", draw)
    return found


@pytest.fixture
def run(drawn_run: Path, tmp_path: Path) -> Path:
    """A run of nothing but fine-tunings, to be changed."""
    shutil.copytree(drawn_run / "finetune", tmp_path / "finetune")
    return tmp_path


def change(run: Path, name: str, **columns) -> None:
    path = run / "finetune" / name / "predictions.parquet"
    rows = read_table(path, "predictions").to_pylist()
    write_table(path, "predictions", [row | {key: of(row) for key, of in columns.items()} for row in rows])


def test_failures_are_those_of_the_best_model_the_worst_first(run, sheets):
    change(run, NAMES[2], prediction=lambda row: row["ground_truth"])
    change(run, NAMES[2], prediction=lambda row: bent(row["ground_truth"], 0.001 * int(row["id"])))
    figure = draw_failures(run, NAMES, 5)
    told = [tile.lines for row in sheets[0].rows for tile in row]
    assert [lines[1] for lines in told] == [f"{number:08d}" for number in (7, 6, 5, 4, 3)]
    assert [lines[0] for lines in told] == [f"{number / 21:.1f} mm" for number in (7, 6, 5, 4, 3)]
    assert "The 5 of 8 evaluation hands that model “SiMHand” predicts worst" in figure.caption


def bent(truth: list[float], far_m: float) -> list[float]:
    """A hand whose last finger tip lies elsewhere."""
    return [*truth[:-3], truth[-3] + far_m, *truth[-2:]]


def test_a_prediction_that_cannot_be_aligned_is_counted_and_not_ranked(run, sheets):
    for name in NAMES:
        change(run, name, prediction=lambda row: [0.0] * 63 if row["id"] == "00000007" else row["prediction"])
    figure = draw_failures(run, NAMES, 50)
    assert "00000007" not in [tile.lines[1] for row in sheets[0].rows for tile in row]
    assert "1 more could not be aligned" in figure.caption
    for name in NAMES:
        change(run, name, ground_truth=lambda row: [float("nan")] * 63)
    assert draw_failures(run, NAMES, 50) is None


def test_a_hand_without_a_visible_joint_is_neither_best_nor_worst(run, sheets):
    hidden = "00000002"
    for name in NAMES:
        change(run, name, visible=lambda row: [row["id"] != hidden] * 21)
    figure = draw_failures(run, NAMES, 50)
    assert "1 more could not be aligned or have no visible joint" in figure.caption
    assert hidden not in [tile.lines[1] for row in sheets[0].rows for tile in row]
    for name in NAMES:
        errors = load_errors(run, name).errors_mm
        assert np.flatnonzero(np.isnan(errors)).tolist() == [2]
    assert hidden not in [hand["id"] for hand in hands_to_turn(run, NAMES, 8)["hands"]]


def test_of_many_models_only_the_hands_shown_are_held(run, sheets, monkeypatch):
    """Errors are read one model after the other; images, joints and points only of what is drawn."""
    held = []

    def load(run_dir, name, rows):
        held.append((name, len(rows)))
        return load_predicted(run_dir, name, rows)

    monkeypatch.setattr(predictions, "load_predicted", load)
    change(run, NAMES[2], prediction=lambda row: bent(row["ground_truth"], 0.001))
    draw_failures(run, NAMES, 5)
    assert held == [(NAMES[2], 5)]
    held.clear()
    draw_predictions(run, NAMES, 1)
    assert held == [(name, 3) for name in NAMES]


def test_models_are_compared_one_of_every_method_first(run):
    """Six of one method come first in the configuration; the others must not fall off the figure."""
    ranks = [NAMES[2].replace("top1", f"top{rank}") for rank in range(1, 7)]
    for name in ranks[1:]:
        shutil.copytree(run / "finetune" / NAMES[2], run / "finetune" / name)
    compared, order = compared_models(run, [*ranks, NAMES[1], NAMES[0]])
    assert compared == [NAMES[0], NAMES[1], *ranks[:4]]
    assert len(order) == 8
    assert len(hands_to_turn(run, [*ranks, NAMES[1], NAMES[0]], 1)["models"]) == 6


def test_models_are_compared_on_the_first_data_set_with_an_error(run, sheets):
    others = [other_dataset(run, name) for name in NAMES[:2]]
    for name in NAMES[:2]:
        change(run, name, ground_truth=lambda row: [float("nan")] * 63)
    assert compared_models(run, [*NAMES[:2], *others])[0] == others
    assert draw_comparison(run, [*NAMES[:2], *others], 1) is not None
    assert hands_to_turn(run, [*NAMES[:2], *others], 1) is not None


def other_dataset(run: Path, name: str) -> str:
    """A copy of a fine-tuning on another data set."""
    copy = name.replace("rendered", "other")
    shutil.copytree(run / "finetune" / name, run / "finetune" / copy)
    return copy


def test_every_data_set_has_its_rows_and_every_method_its_column(run, sheets):
    names = [NAMES[3], NAMES[2], NAMES[0], other_dataset(run, NAMES[1]), other_dataset(run, NAMES[0])]
    figure = draw_methods(run, names, 1)
    (sheet,) = sheets
    assert list(sheet.column_titles) == ["image", "ground truth", "no pre-training", "SimCLR", "SiMHand"]
    assert list(sheet.row_titles) == ["rendered"] * 3 + ["other"] * 3
    assert [tile.lines for tile in sheet.rows[0][3:4]] == [["not run"]]
    assert [tile.lines for tile in sheet.rows[3][4:5]] == [["not run"]]
    chosen = sheet.rows[0][0].lines[0]
    error = load_errors(run, NAMES[3]).errors_mm[int(chosen)]
    assert sheet.rows[0][4].lines == [f"{error:.1f} mm"]
    assert len(figure.caption) > 80


def test_models_of_other_images_are_not_compared(run, sheets):
    change(run, NAMES[1], id=lambda row: f"x{row['id']}")
    with pytest.raises(DataError, match=f"{NAMES[0]}, {NAMES[1]} did not predict the same images"):
        draw_methods(run, NAMES[:2], 1)


def test_the_hands_to_turn_are_in_millimetres_from_the_true_wrist(run):
    change(run, NAMES[0], visible=lambda row: [joint != 4 for joint in range(21)])
    found = hands_to_turn(run, NAMES[:2], 1)
    assert found["models"] == ["no pre-training", "SimCLR"]
    assert [hand["kind"] for hand in found["hands"]] == ["best", "median", "worst"]
    hand = found["hands"][1]
    row = next(
        row
        for row in read_table(run / "finetune" / NAMES[1] / "predictions.parquet", "predictions").to_pylist()
        if row["id"] == hand["id"]
    )
    truth, ours = (np.reshape(row[name], (21, 3)) for name in ("ground_truth", "prediction"))
    assert hand["truth"][4] is None
    for joint in (0, 9, 20):
        np.testing.assert_allclose(hand["truth"][joint], 1000 * (truth[joint] - truth[0]), atol=0.06)
        scale = np.linalg.norm(truth[9] - truth[0]) / np.linalg.norm(ours[9] - ours[0])
        expected = 1000 * scale * (ours[joint] - ours[0])
        np.testing.assert_allclose(hand["predictions"][1][joint], expected, atol=0.06)
    assert hand["errors_mm"][1] == pytest.approx(
        load_errors(run, NAMES[1]).errors_mm[int(hand["id"])], abs=0.06
    )
    encoded = base64.b64decode(hand["image"].removeprefix("data:image/jpeg;base64,"))
    assert cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).shape == (120, 120, 3)
    assert len(json.dumps(found)) < 40_000


def test_nothing_is_to_turn_without_a_model_or_a_truth(run):
    assert hands_to_turn(run, [], 1) is None
    change(run, NAMES[0], ground_truth=lambda row: [float("nan")] * 63)
    assert hands_to_turn(run, NAMES[:1], 1) is None

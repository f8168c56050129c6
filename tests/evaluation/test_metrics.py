"""From a predictions file to rows of the metrics table."""

import itertools
import json
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from prediction_files import EXPERIMENT, evaluated, metric_rows, prediction_rows, values_of
from pydantic import ValidationError

from simhand.errors import DataError
from simhand.evaluation.curves import area_under_curve, first_within, pck_curve
from simhand.evaluation.predictions import load_predictions
from simhand.evaluation.protocols import AUC_0_TO_50_MM, AUC_20_TO_50_MM, PROTOCOLS
from simhand.files.tables import make_table, read_table
from simhand.settings.evaluation import EvaluationSettings, ProtocolName


def test_predictions_are_read_as_written(written):
    rows = prediction_rows()
    predictions = load_predictions(written(rows))
    assert predictions.ids == [row["id"] for row in rows] and len(predictions) == 20
    assert np.array_equal(predictions.prediction_m[3].ravel(), rows[3]["prediction"])
    assert np.array_equal(predictions.ground_truth_m[19].ravel(), rows[19]["ground_truth"])
    assert predictions.visible.tolist() == [row["visible"] for row in rows]
    assert predictions.visible.dtype == bool


def test_rows_of_every_protocol(written):
    predictions = load_predictions(written(prediction_rows()))
    rows = metric_rows(predictions, list(get_args(ProtocolName)))
    make_table("metrics", rows)
    values = values_of(rows)
    hands = predictions.ground_truth_m, predictions.prediction_m, predictions.visible
    expected = {("procrustes_rotation", "mirrored_share"): 0.0, ("mmpose_2d", "pck_auc"): 95.0}
    for name, protocol in PROTOCOLS.items():
        scores = protocol.score(*hands)
        expected |= {(name, "mpjpe"): scores.mpjpe_mm, (name, "median_error"): scores.median_error_mm}
        if name != "assemblyhands":
            expected[name, "pck_auc"] = 100 * scores.pck_auc
        if protocol.thresholds_mm is AUC_20_TO_50_MM:
            curve = pck_curve(
                first_within(scores.errors_mm, AUC_0_TO_50_MM), scores.counted, len(AUC_0_TO_50_MM)
            )
            expected[name, "pck_auc_0_to_50"] = 100 * area_under_curve(curve, AUC_0_TO_50_MM)
    assert values.pop(("mmpose_2d", "epe")) < 1e-9
    assert values == expected and len(rows) == len(expected) + 1
    units = {row["metric"]: row["unit"] for row in rows}
    percent = dict.fromkeys(("pck_auc", "pck_auc_0_to_50", "mirrored_share"), "%")
    assert units == {"mpjpe": "mm", "median_error": "mm", "epe": "px"} | percent
    labels = EXPERIMENT.model_dump()
    labels["experiment"] = labels.pop("name")
    assert all({key: row[key] for key in labels} == labels for row in rows)
    assert {(row["samples"], row["failures"]) for row in rows} == {(20, 0)}


@pytest.mark.parametrize(
    ("root_source", "scale_source", "blank"),
    [
        ("predicted", "predicted", set()),
        ("dataset", "dataset", set()),
        (
            "ground_truth",
            "predicted",
            {"freihand_absolute", "dexycb_absolute", "mmpose_none", "mmpose_scale"},
        ),
        (
            "predicted",
            "ground_truth",
            {
                "freihand_absolute",
                "dexycb_absolute",
                "mmpose_none",
                "dexycb_root_relative",
                "assemblyhands",
            },
        ),
    ],
)
def test_protocol_that_needs_what_was_not_predicted_stays_blank(
    written, root_source, scale_source, blank, caplog
):
    caplog.set_level("INFO")
    rows = prediction_rows(root_source=root_source, scale_source=scale_source)
    found = metric_rows(load_predictions(written(rows)), list(PROTOCOLS))
    assert {row["protocol"] for row in found} == set(PROTOCOLS) - blank
    for name in blank:
        assert f"{name} stays blank" in caplog.text


def test_one_sample_with_its_root_from_ground_truth_is_enough_to_stay_blank(written):
    rows = prediction_rows()
    rows[7]["root_source"] = "ground_truth"
    found = metric_rows(load_predictions(written(rows)), ["freihand_absolute", "simhand"])
    assert {row["protocol"] for row in found} == {"simhand", "procrustes_rotation"}


def test_failures_are_counted_and_reported(written, caplog):
    rows = prediction_rows()
    good = values_of(metric_rows(load_predictions(written(rows)), ["simhand"]))
    rows[2]["prediction"] = [float("nan")] * 63
    rows[9]["prediction"] = [0.0] * 63
    found = metric_rows(load_predictions(written(rows)), ["simhand", "freihand_procrustes"])
    assert {(row["protocol"], row["failures"], row["samples"]) for row in found} == {
        ("simhand", 2, 20),
        ("freihand_procrustes", 1, 20),
        ("procrustes_rotation", 2, 20),
    }
    assert "simhand: 2 of 20 predictions failed" in caplog.text
    bad = values_of(found)
    assert bad["simhand", "mpjpe"] > good["simhand", "mpjpe"]
    assert bad["simhand", "pck_auc"] < 0.95 * good["simhand", "pck_auc"]


def mirrored(rows):
    return [
        row | {"prediction": (np.reshape(row["ground_truth"], (21, 3)) * [-1, 1, 1]).ravel().tolist()}
        for row in rows
    ]


def test_predictor_that_mirrors_is_reported(written, caplog):
    """Whatever protocols are asked for: those of two official tools call it perfect."""
    rows = mirrored(prediction_rows())
    predictions = load_predictions(written(rows))
    values = values_of(metric_rows(predictions, ["freihand_procrustes", "dexycb_procrustes"]))
    assert max(values["freihand_procrustes", "mpjpe"], values["dexycb_procrustes", "mpjpe"]) < 0.01
    assert values["procrustes_rotation", "mirrored_share"] == 100
    assert "100 % of the 20 predicted right hands fit the ground truth better as their mirror" in caplog.text
    assert values_of(metric_rows(predictions, ["procrustes_rotation"]))["procrustes_rotation", "mpjpe"] > 10


def test_few_left_hands_that_come_out_as_right_ones_are_reported(written, caplog):
    """Only every fifth hand is mirrored, which over both sides would look like noise."""
    rows = prediction_rows()
    rows[::5] = [row | {"side": "left"} for row in mirrored(rows[::5])]
    found = evaluated(load_predictions(written(rows)), ["simhand"])
    assert values_of(found.metrics)["procrustes_rotation", "mirrored_share"] == 20
    shares = {row["key"]: (row["value"], row["samples"]) for row in found.errors if row["kind"] == "mirrored"}
    assert shares == {"left": (100.0, 4), "right": (0.0, 16)}
    assert "100 % of the 4 predicted left hands" in caplog.text and "right hands fit" not in caplog.text


def test_left_hands_predicted_as_left_hands_are_no_mirror_images(written, caplog):
    rows = [row | {"side": "left"} for row in prediction_rows()]
    for row in rows:
        for column in ("prediction", "ground_truth"):
            row[column] = (np.reshape(row[column], (21, 3)) * [-1, 1, 1]).ravel().tolist()
    values = values_of(metric_rows(load_predictions(written(rows)), ["simhand"]))
    assert values["procrustes_rotation", "mirrored_share"] == 0 and "mirror" not in caplog.text


def test_no_visible_joint_gives_null_not_a_number(written):
    rows = [row | {"visible": [False] * 21} for row in prediction_rows()]
    found = metric_rows(load_predictions(written(rows)), ["simhand"])
    assert [row["value"] for row in found] == [None, None, None, None, 0]
    make_table("metrics", found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [], "holds no predictions"),
        (lambda rows: rows + rows[:1], "1 samples twice"),
        (lambda rows: [rows[0] | {"ground_truth": [float("nan")] * 63}, *rows[1:]], "00000000"),
        (lambda rows: [row | {"ground_truth": [float("nan")] * 62 + [0.0]} for row in rows], "20 samples"),
        (lambda rows: [row | {"ground_truth": [float("inf")] * 63} for row in rows], "20 samples"),
        (
            lambda rows: [rows[0] | {"root_source": "guess"}, *rows[1:]],
            "root_source is 'guess', expected one of",
        ),
        (lambda rows: [rows[0] | {"scale_source": None}, *rows[1:]], "scale_source is None"),
        (lambda rows: [rows[0] | {"side": "Left"}, *rows[1:]], "side is 'Left', expected one of right, left"),
        (lambda rows: [row | {"sequence": "a"} for row in rows], "20 samples have a sequence but no frame"),
    ],
)
def test_predictions_that_cannot_be_measured(written, change, message):
    with pytest.raises(DataError, match=message):
        load_predictions(written(change(prediction_rows())))


@pytest.mark.parametrize(
    "wrong", [{"protocols": []}, {"protocols": ["simhand"] * 2}, {"protocols": ["freihand"]}]
)
def test_settings_that_are_rejected(wrong):
    with pytest.raises(ValidationError):
        EvaluationSettings(**wrong)


@pytest.fixture
def run_script(repository, tmp_path):
    """Measures a predictions file with the stage script; gives the metrics and what it said."""

    def run(predictions, protocols, dataset=None):
        arguments = {
            "--settings": json.dumps({"protocols": protocols, "bootstrap_resamples": 0}),
            "--experiment": EXPERIMENT.model_dump_json(),
            "--dataset": json.dumps(dataset or {"kind": "rendered"}),
            "--predictions": str(predictions),
            "--out-dir": str(tmp_path),
        }
        script = str(repository / "workflow_scripts/evaluate_predictions.py")
        command = [sys.executable, script, *itertools.chain(*arguments.items())]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return read_table(tmp_path / "metrics.parquet", "metrics"), done.stderr

    return run


def test_script_writes_the_tables(run_script, written, tmp_path):
    predictions = written(prediction_rows(scale_source="ground_truth"))
    table, said = run_script(predictions, ["simhand", "freihand_absolute"])
    assert table.to_pylist() == metric_rows(load_predictions(predictions), ["simhand"])
    assert "freihand_absolute stays blank: it needs the scale" in said
    samples = read_table(tmp_path / "sample_errors.parquet", "sample_errors").to_pylist()
    scores = PROTOCOLS["simhand"].score_pairs(load_predictions(predictions).hands)
    expected = np.average(scores.errors_mm, axis=1, weights=scores.counted)
    assert [row["error_mm"] for row in samples] == pytest.approx(expected)
    assert [row["id"] for row in samples] == [f"{i:08d}" for i in range(20)]
    kinds = set(read_table(tmp_path / "errors.parquet", "errors")["kind"].to_pylist())
    assert kinds == {"joint", "side", "pck", "mirrored"}


def test_a_choice_of_frames_is_warned_of(run_script, written):
    predictions = written(prediction_rows())
    for frames in ("labelled", "mostly_visible"):
        _, said = run_script(predictions, ["simhand"], {"kind": "dexycb", "root": "x", "frames": frames})
        assert ("`dexycb_*` are no official numbers" in said) == (frames == "mostly_visible")


def test_predictions_without_any_ground_truth_get_an_empty_table(run_script, written, caplog):
    """A data set may withhold all of it (FreiHAND's competition did); the predictions remain of use."""
    predictions = written([row | {"ground_truth": [float("nan")] * 63} for row in prediction_rows()])
    table, said = run_script(predictions, ["simhand"])
    assert table.num_rows == 0 and table.schema.names == make_table("metrics", []).schema.names
    warning = f"{EXPERIMENT.name} gets no metrics: data set freihand withholds the ground truth of its 20"
    assert warning in said
    assert metric_rows(load_predictions(predictions), ["simhand"]) == []
    assert [(record.levelname, warning in record.message) for record in caplog.records] == [("WARNING", True)]

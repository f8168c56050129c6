"""From a predictions file to rows of the metrics table."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from simhand.errors import DataError
from simhand.evaluation.metrics import metric_rows
from simhand.evaluation.predictions import load_predictions
from simhand.evaluation.protocols import PROTOCOLS
from simhand.files.tables import make_table, read_table, write_table
from simhand.settings.evaluation import EvaluationSettings
from simhand.settings.experiments import FinetuneExperiment

EXPERIMENT = FinetuneExperiment(
    name="simhand_ego_none_top1_random_seed3__freihand_10pct",
    method="simhand",
    set="ego",
    weighting="none",
    top_k=1,
    init="random",
    dataset="freihand",
    label_fraction=0.1,
    seed=3,
)


def prediction_rows(count=20, root_source="predicted", scale_source="predicted", noise_m=0.004):
    rng = np.random.default_rng(5)
    truth = rng.normal(0, 0.04, (count, 21, 3)) + [0, 0, 0.5]
    prediction = truth + rng.normal(0, noise_m, truth.shape)
    return [
        {
            "id": f"{i:08d}",
            "image": f"rgb/{i:08d}.jpg",
            "side": "right",
            "sequence": None,
            "frame": None,
            "occluded_share": None,
            "prediction": prediction[i].ravel().tolist(),
            "ground_truth": truth[i].ravel().tolist(),
            "visible": (rng.random(21) < 0.9).tolist(),
            "prediction_2d": [0.0] * 42,
            "intrinsics": [0.0] * 9,
            "root_source": root_source,
            "scale_source": scale_source,
        }
        for i in range(count)
    ]


@pytest.fixture
def written(tmp_path):
    """Writes rows as a predictions file and gives its path."""

    def write(rows):
        write_table(tmp_path / "predictions.parquet", "predictions", rows)
        return tmp_path / "predictions.parquet"

    return write


def values_of(rows):
    return {(row["protocol"], row["metric"]): row["value"] for row in rows}


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
    rows = metric_rows(predictions, list(PROTOCOLS), EXPERIMENT)
    make_table("metrics", rows)
    values = values_of(rows)
    hands = predictions.ground_truth_m, predictions.prediction_m, predictions.visible
    for name, protocol in PROTOCOLS.items():
        scores = protocol.score(*hands)
        assert values[name, "mpjpe"] == scores.mpjpe_mm
        assert values[name, "median_error"] == scores.median_error_mm
        assert values[name, "pck_auc"] == 100 * scores.pck_auc
    assert values["procrustes_rotation", "mirrored_share"] == 0
    assert len(values) == len(rows) == 3 * len(PROTOCOLS) + 1
    units = {row["metric"]: row["unit"] for row in rows}
    assert units == {"mpjpe": "mm", "median_error": "mm", "pck_auc": "%", "mirrored_share": "%"}
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
            {"freihand_absolute", "dexycb_absolute", "mmpose_none", "dexycb_root_relative"},
        ),
    ],
)
def test_protocol_that_needs_what_was_not_predicted_stays_blank(
    written, root_source, scale_source, blank, caplog
):
    caplog.set_level("INFO")
    rows = prediction_rows(root_source=root_source, scale_source=scale_source)
    found = metric_rows(load_predictions(written(rows)), list(PROTOCOLS), EXPERIMENT)
    assert {row["protocol"] for row in found} == set(PROTOCOLS) - blank
    for name in blank:
        assert f"{name} stays blank" in caplog.text


def test_one_sample_with_its_root_from_ground_truth_is_enough_to_stay_blank(written):
    rows = prediction_rows()
    rows[7]["root_source"] = "ground_truth"
    found = metric_rows(load_predictions(written(rows)), ["freihand_absolute", "simhand"], EXPERIMENT)
    assert {row["protocol"] for row in found} == {"simhand"}


def test_failures_are_counted_and_reported(written, caplog):
    rows = prediction_rows()
    good = values_of(metric_rows(load_predictions(written(rows)), ["simhand"], EXPERIMENT))
    rows[2]["prediction"] = [float("nan")] * 63
    rows[9]["prediction"] = [0.0] * 63
    found = metric_rows(load_predictions(written(rows)), ["simhand", "freihand_procrustes"], EXPERIMENT)
    assert {(row["protocol"], row["failures"], row["samples"]) for row in found} == {
        ("simhand", 2, 20),
        ("freihand_procrustes", 1, 20),
    }
    assert "simhand: 2 of 20 predictions failed" in caplog.text
    bad = values_of(found)
    assert bad["simhand", "mpjpe"] > good["simhand", "mpjpe"]
    assert bad["simhand", "pck_auc"] < 0.95 * good["simhand", "pck_auc"]


def test_predictor_that_mirrors_is_reported(written, caplog):
    rows = prediction_rows(noise_m=0.0)
    for row in rows:
        row["prediction"] = (np.reshape(row["ground_truth"], (21, 3)) * [-1, 1, 1]).ravel().tolist()
    protocols = EvaluationSettings().protocols
    values = values_of(metric_rows(load_predictions(written(rows)), protocols, EXPERIMENT))
    assert values["freihand_procrustes", "mpjpe"] < 0.01
    assert values["procrustes_rotation", "mpjpe"] > 10
    assert values["procrustes_rotation", "mirrored_share"] == 100
    assert "left and right exchanged" in caplog.text


def test_no_visible_joint_gives_null_not_a_number(written):
    rows = [row | {"visible": [False] * 21} for row in prediction_rows()]
    found = metric_rows(load_predictions(written(rows)), ["simhand"], EXPERIMENT)
    assert [row["value"] for row in found] == [None, None, None]
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

    def run(predictions, protocols):
        arguments = {
            "--settings": json.dumps({"protocols": protocols}),
            "--experiment": EXPERIMENT.model_dump_json(),
            "--predictions": str(predictions),
            "--out": str(tmp_path / "metrics.parquet"),
        }
        script = str(repository / "workflow_scripts/evaluate_predictions.py")
        command = [sys.executable, script, *itertools.chain(*arguments.items())]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return read_table(tmp_path / "metrics.parquet", "metrics"), done.stderr

    return run


def test_script_writes_the_metrics_table(run_script, written):
    predictions = written(prediction_rows(scale_source="ground_truth"))
    table, said = run_script(predictions, ["simhand", "freihand_absolute"])
    assert table.to_pylist() == metric_rows(load_predictions(predictions), ["simhand"], EXPERIMENT)
    assert "freihand_absolute stays blank: it needs the scale" in said


def test_predictions_without_any_ground_truth_get_an_empty_table(run_script, written, caplog):
    """A data set may withhold all of it (FreiHAND's competition did); the predictions remain of use."""
    predictions = written([row | {"ground_truth": [float("nan")] * 63} for row in prediction_rows()])
    table, said = run_script(predictions, ["simhand"])
    assert table.num_rows == 0 and table.schema.names == make_table("metrics", []).schema.names
    warning = f"{EXPERIMENT.name} gets no metrics: data set freihand withholds the ground truth of its 20"
    assert warning in said
    assert metric_rows(load_predictions(predictions), ["simhand"], EXPERIMENT) == []
    assert [(record.levelname, warning in record.message) for record in caplog.records] == [("WARNING", True)]

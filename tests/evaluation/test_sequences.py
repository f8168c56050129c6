"""Acceleration errors, occlusion bins and intervals of predictions in recordings."""

import numpy as np
import pytest
from prediction_files import evaluated, metric_rows, prediction_rows, values_of

from simhand.evaluation.acceleration import acceleration_errors, neighbouring_frames
from simhand.evaluation.breakdown import occlusion_bins
from simhand.evaluation.predictions import load_predictions
from simhand.evaluation.protocols import PROTOCOLS


def recording(count=60, **changes):
    """Rows of two cameras and two hands: every second frame of a video, with a gap, in any order."""
    rows = prediction_rows(count)
    for number, row in enumerate(rows):
        quarter, place = divmod(number, count // 4)
        row |= {"sequence": f"take{quarter // 2}/cam", "side": ("left", "right")[quarter % 2]}
        row |= {"frame": 2 * place + (10 if place > 6 else 0), "occluded_share": place / (count // 4)}
        row |= changes
    np.random.default_rng(0).shuffle(rows)
    return rows


def naive_accelerations(rows, step, aligned):
    """Errors of every joint seen in three frames that are ``step`` apart, hand after hand."""
    at = {(row["sequence"], row["side"], row["frame"]): row for row in rows}
    found = []
    for sequence, side, frame in at:
        three = [at.get((sequence, side, frame + k * step)) for k in (-1, 0, 1)]
        if None in three:
            continue
        moved = []
        for row in three:
            truth, prediction = (np.reshape(row[name], (21, 3)) for name in ("ground_truth", "prediction"))
            moved.append((truth, aligned(truth, prediction)))
        (t0, p0), (t1, p1), (t2, p2) = moved
        difference = (p0 - 2 * p1 + p2) - (t0 - 2 * t1 + t2)
        found += [
            1000 * np.linalg.norm(difference[j]) for j in range(21) if all(row["visible"][j] for row in three)
        ]
    return found


def test_acceleration_error_equals_a_loop(written):
    rows = recording()
    found = values_of(metric_rows(load_predictions(written(rows)), ["mmpose_none", "assemblyhands"]))
    absolute = naive_accelerations(rows, 2, lambda truth, prediction: prediction)
    relative = naive_accelerations(rows, 2, lambda truth, prediction: prediction - prediction[0] + truth[0])
    assert len(absolute) > 200
    assert found["mmpose_none", "acceleration_error"] == pytest.approx(np.mean(absolute), rel=1e-9)
    assert found["assemblyhands", "acceleration_error"] == pytest.approx(np.mean(relative), rel=1e-9)


def test_acceleration_of_a_known_movement():
    """A prediction that trembles by 1 mm back and forth accelerates by 4 mm, one that drifts by none."""
    residuals = np.zeros((6, 21, 3))
    residuals[:, :, 0] = np.array([1, -1, 1, -1, 1, -1])[:, None]
    drift = np.arange(6.0)[:, None, None] * np.ones((6, 21, 3))
    triples = neighbouring_frames(np.zeros(6, int), np.arange(6))
    seen = np.ones((6, 21), bool)
    assert np.allclose(acceleration_errors(residuals, seen, triples)[0], 4.0) and len(triples) == 4
    assert np.allclose(acceleration_errors(drift, seen, triples)[0], 0.0)


def test_gaps_sides_and_single_pictures_break_tracks():
    tracks = np.array([0, 0, 0, 0, 0, 1, 1, 1, -1, -1, -1, 2, 2])
    frames = np.array([4, 1, 2, 3, 6, 1, 2, 4, 1, 2, 3, 1, 2])
    assert neighbouring_frames(tracks, frames).tolist() == [[1, 2, 3], [2, 3, 0]]
    assert neighbouring_frames(np.full(3, -1), np.arange(3)).shape == (0, 3)
    assert neighbouring_frames(np.arange(3), np.arange(3)).shape == (0, 3)


def test_single_pictures_and_turned_hands_have_no_acceleration_error(written):
    def names(rows):
        return {
            row["protocol"]
            for row in metric_rows(load_predictions(written(rows)), ["simhand", "freihand_procrustes"])
            if row["metric"] == "acceleration_error"
        }

    assert names(recording()) == {"simhand"}
    assert names(prediction_rows()) == set()


def test_intervals_draw_recordings_whole_whatever_the_camera(written):
    rows = recording()
    for number, row in enumerate(rows):
        row["sequence"] = f"take{number % 5}/cam{number % 2}"
    predictions = load_predictions(written(rows))
    assert predictions.clusters.max() == 4 and len(set(predictions.sequences)) == 10
    (row,) = [
        row
        for row in metric_rows(predictions, ["freihand_absolute"], bootstrap_resamples=200)
        if row["metric"] == "mpjpe"
    ]
    assert row["low"] < row["value"] < row["high"] and row["resampled"] == "sequences"
    rng = np.random.default_rng(0)
    errors = PROTOCOLS["freihand_absolute"].score_pairs(predictions.hands).errors_mm
    clusters = [np.flatnonzero(predictions.clusters == number) for number in range(5)]
    drawn = [
        np.mean(errors[np.concatenate([clusters[i] for i in rng.integers(0, 5, 5)])]) for _ in range(200)
    ]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), rel=1e-6)


def test_intervals_of_single_pictures_draw_samples(written):
    rows = metric_rows(load_predictions(written(prediction_rows())), ["simhand"], bootstrap_resamples=50)
    for row in rows:
        known = row["metric"] != "median_error"
        assert row["resampled"] == ("samples" if known else None)
        assert (row["low"] is not None and row["low"] <= row["value"] <= row["high"]) == known


def test_one_recording_has_no_interval(written, caplog):
    caplog.set_level("INFO")
    rows = metric_rows(
        load_predictions(written(recording(sequence="only"))), ["simhand"], bootstrap_resamples=50
    )
    assert {(row["low"], row["high"], row["resampled"]) for row in rows} == {(None, None, None)}
    assert "no confidence intervals: all samples are of one recording" in caplog.text


def test_occlusion_bins_hold_each_known_share_once():
    shares = np.array([0.0, 0.19, 0.2, 0.59, 0.6, 1.0, np.nan])
    bins = {key: np.flatnonzero(inside).tolist() for key, inside in occlusion_bins(shares)}
    assert bins == {"0.0-0.2": [0, 1], "0.2-0.4": [2], "0.4-0.6": [3], "0.6-0.8": [4], "0.8-1.0": [5]}


def test_errors_by_joint_side_and_occlusion_equal_loops(written):
    rows = recording()
    for row in rows:
        row["visible"] = [seen and joint != 3 for joint, seen in enumerate(row["visible"])]
        row["occluded_share"] = None if row["occluded_share"] > 0.5 else row["occluded_share"]
    predictions = load_predictions(written(rows))
    found = evaluated(predictions, ["simhand"]).errors
    scores = PROTOCOLS["simhand"].score_pairs(predictions.hands)

    def loop(chosen):
        columns = [scores.errors_mm[chosen & scores.counted[:, j], j] for j in range(21)]
        return np.mean([column.mean() for column in columns if len(column)])

    by_kind = {
        kind: {row["key"]: (row["value"], row["samples"]) for row in found if row["kind"] == kind}
        for kind in ("joint", "side", "occlusion", "pck")
    }
    left = np.array([row["side"] == "left" for row in rows])
    shares = np.array([np.nan if row["occluded_share"] is None else row["occluded_share"] for row in rows])
    assert by_kind["side"] == {
        "left": (pytest.approx(loop(left)), 30),
        "right": (pytest.approx(loop(~left)), 30),
    }
    assert set(by_kind["occlusion"]) == {"0.0-0.2", "0.2-0.4", "0.4-0.6"}
    first = shares < 0.2
    assert by_kind["occlusion"]["0.0-0.2"] == (pytest.approx(loop(first)), first.sum())
    assert set(by_kind["joint"]) == {str(joint) for joint in range(21)} - {"3"}
    seen = scores.counted[:, 8]
    assert by_kind["joint"]["8"] == (pytest.approx(scores.errors_mm[seen, 8].mean()), seen.sum())
    assert [float(key) for key in by_kind["pck"]] == scores.thresholds_mm.tolist()
    assert [value for value, _ in by_kind["pck"].values()] == pytest.approx((100 * scores.pck).tolist())

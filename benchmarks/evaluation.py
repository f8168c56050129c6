"""Evaluation of a predictions file in all protocols, beside a loop over hands written from the formulas.

python benchmarks/evaluation.py [--hands 110000] [--loop-hands 2000]   # from the root; rewrites its table

Hands are random, half of them left, their joints visible in 85 % of the cases: single pictures, or frames of
200 recordings by two cameras. 110,000 hands are those that AssemblyHands is evaluated on. One process, as the
stage runs: reading the Parquet file, every protocol with medians, PCK curves, errors by joint, side and
occlusion, acceleration, bootstrap resamples behind each mean, and writing the three tables. The loop does
less: mean error and PCK of every protocol, hand by hand, as the data sets' own tools go through them; no
intervals, no reading. It goes through fewer hands; the results of both must be equal there.
"""

import argparse
import csv
import os
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
import pyarrow as pa

from simhand.evaluation.metrics import evaluate
from simhand.evaluation.predictions import load_predictions
from simhand.evaluation.protocols import AUC_0_TO_50_MM, AUC_20_TO_50_MM
from simhand.evaluation.tables import write_evaluation
from simhand.files.tables import write_table
from simhand.settings.evaluation import EvaluationSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "samples_are", "hands", "seconds", "us_per_hand", "times", "machine", "date")
LABELS = {"experiment": "benchmark", "method": "none", "dataset": "random", "weighting": "none"}
RECORDINGS, CAMERAS = 200, 2
EPSILON = 1e-8


def random_table(hands: int, recordings: bool, seed: int = 0) -> pa.Table:
    """A predictions table of ``hands`` random hands, 10 mm from their truth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.04, (hands, 21, 3)) + [0.0, 0.0, 0.6]
    places = np.arange(hands)
    tracks = RECORDINGS * CAMERAS
    names = (
        [f"take{i % tracks // CAMERAS}/cam{i % CAMERAS}" for i in places] if recordings else [None] * hands
    )
    flat = {
        "prediction": truth + rng.normal(0, 0.006, truth.shape),
        "ground_truth": truth,
        "prediction_2d": rng.random((hands, 21, 2)) * 500,
        "intrinsics": np.broadcast_to(np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]), (hands, 3, 3)),
    }
    lists = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(array)), array[0].size)
        for name, array in flat.items()
    }
    seen = pa.FixedSizeListArray.from_arrays(pa.array(rng.random(hands * 21) < 0.85), 21)
    columns = {
        "id": [f"{i:08d}" for i in places],
        "image": [""] * hands,
        "side": np.where(places // tracks % 2 == 0, "left", "right").tolist(),
        "sequence": pa.array(names, pa.string()),
        "frame": (places // tracks // 2).tolist() if recordings else [None] * hands,
        "occluded_share": rng.random(hands).tolist(),
        "visible": seen,
        **lists,
        "root_source": ["predicted"] * hands,
        "scale_source": ["predicted"] * hands,
    }
    return pa.table(columns).select(
        ["id", "image", "side", "sequence", "frame", "occluded_share", "prediction", "ground_truth"]
        + ["visible", "prediction_2d", "intrinsics", "root_source", "scale_source"]
    )


def evaluated_seconds(folder: Path, resamples: int) -> tuple[float, dict[tuple[str, str], float]]:
    """Time of the whole evaluation, and its values by protocol and metric."""
    started = time.perf_counter()
    predictions = load_predictions(folder / "predictions.parquet")
    found = evaluate(
        predictions, EvaluationSettings(bootstrap_resamples=resamples), LABELS, os.cpu_count() or 1
    )
    write_evaluation(folder, found, predictions)
    seconds = time.perf_counter() - started
    return seconds, {(row["protocol"], row["metric"]): row["value"] for row in found.metrics}


def orthogonal(truth: np.ndarray, prediction: np.ndarray, reflect: bool, epsilon: float) -> np.ndarray:
    """Procrustes of one hand: FreiHAND's, or by a proper rotation."""
    centre, unit = truth.mean(0), truth - truth.mean(0)
    hand = prediction - prediction.mean(0)
    size, norm = np.linalg.norm(unit) + epsilon, np.linalg.norm(hand) + epsilon
    left, values, right = np.linalg.svd((hand / norm).T @ (unit / size))
    if not reflect and np.linalg.det(left @ right) < 0:
        left[:, 2], values[2] = -left[:, 2], -values[2]
    return hand / norm @ left @ right * values.sum() * size + centre


def aligned_ways(truth: np.ndarray, prediction: np.ndarray) -> dict[str, np.ndarray]:
    """One prediction as every protocol lays it over its truth, both (21, 3) in metres."""
    scale = np.linalg.norm(truth[0] - truth[9]) / np.linalg.norm(prediction[0] - prediction[9])
    wrist = truth[0] + scale * (prediction - prediction[0])
    rotated = orthogonal(truth, prediction, reflect=False, epsilon=0.0)
    relative = prediction - prediction[0] + truth[0]
    return {
        "simhand": wrist,
        "simhand_all_joints": wrist,
        "minimalhand_root9": truth[9] + scale * (prediction - prediction[9]),
        "freihand_absolute": prediction,
        "freihand_procrustes": orthogonal(truth, prediction, reflect=True, epsilon=EPSILON),
        "procrustes_rotation": rotated,
        "dexycb_absolute": prediction,
        "dexycb_root_relative": relative,
        "dexycb_procrustes": orthogonal(truth, prediction, reflect=True, epsilon=EPSILON / 1000),
        "assemblyhands": relative,
        "mmpose_none": prediction,
        "mmpose_scale": (prediction * truth).sum() / (prediction**2).sum() * prediction,
        "mmpose_procrustes": rotated,
    }


VISIBLE_ONLY = {"simhand", "assemblyhands", "mmpose_none", "mmpose_scale", "mmpose_procrustes"}


def looped_seconds(path: Path, hands: int) -> tuple[float, dict[tuple[str, str], float]]:
    """Time of the loop over the first ``hands`` hands, and its mean errors and areas."""
    predictions = load_predictions(path)
    started = time.perf_counter()
    errors: dict[str, dict[object, list[float]]] = {}
    for row in range(hands):
        truth, visible = predictions.ground_truth_m[row], predictions.visible[row]
        for name, aligned in aligned_ways(truth, predictions.prediction_m[row]).items():
            distances = 1000 * np.linalg.norm(aligned - truth, axis=1)
            columns = errors.setdefault(name, {})
            for joint in range(21):
                if visible[joint] or name not in VISIBLE_ONLY:
                    side = predictions.left[row] if name == "assemblyhands" else None
                    group = "all" if name.startswith("mmpose") else (joint, side)
                    columns.setdefault(group, []).append(distances[joint])
    found = {}
    for name, columns in errors.items():
        found[name, "mpjpe"] = float(np.mean([np.mean(column) for column in columns.values()]))
        if name == "assemblyhands":
            continue
        thresholds = AUC_20_TO_50_MM if name.startswith(("simhand", "minimalhand")) else AUC_0_TO_50_MM
        curve = [
            np.mean([np.mean(np.array(column) <= threshold) for column in columns.values()])
            for threshold in thresholds
        ]
        area = np.sum((np.array(curve[1:]) + curve[:-1]) / 2 * np.diff(thresholds))
        found[name, "pck_auc"] = float(100 * area / (thresholds[-1] - thresholds[0]))
    return time.perf_counter() - started, found


def main() -> None:
    """Time both and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=110_000)
    parser.add_argument("--loop-hands", type=int, default=2_000)
    args = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "predictions.parquet", "predictions", random_table(args.loop_hands, False))
        _, ours = evaluated_seconds(folder, 0)
        loop, theirs = looped_seconds(folder / "predictions.parquet", args.loop_hands)
        for key, value in theirs.items():
            if abs(ours[key] - value) > 1e-9 * (1 + abs(value)):
                sys.exit(f"{key}: {ours[key]} is not {value}, which the loop finds")
        per_hand = loop / args.loop_hands
        rows.append(("loop over hands", "pictures", args.loop_hands, loop, per_hand, 1.0))
        for recordings in (False, True):
            write_table(folder / "predictions.parquet", "predictions", random_table(args.hands, recordings))
            for resamples in (0, 1000):
                seconds, _ = evaluated_seconds(folder, resamples)
                what = f"evaluation, {resamples} resamples"
                kind = "frames" if recordings else "pictures"
                each = seconds / args.hands
                rows.append((what, kind, args.hands, seconds, each, per_hand / each))
                print(rows[-1], flush=True)
    with open(TABLE, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for what, kind, hands, seconds, each, times in rows:
            numbers = (f"{seconds:.2f}", f"{1e6 * each:.1f}", f"{times:.1f}")
            writer.writerow((what, kind, hands, *numbers, machine, date.today().isoformat()))


if __name__ == "__main__":
    main()

"""Stage ``keypoints``: the crops of one shard to a table of 2D keypoints and a status table."""

import functools
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import JOINTS, write_table
from simhand.hands.estimator import Keypoints, make_estimator
from simhand.hands.video_rows import VideoRows, rows_by_video
from simhand.settings.keypoints import KeypointsSettings
from simhand.videos.failures import check_failures
from simhand.videos.progress import Progress
from simhand.videos.worker_pool import Outcome, map_in_order

CROPS_PER_TASK = 64
COLUMNS = ["hand_id", "video_id", "frame_index", "timestamp_s", "side", "score"]


def estimate_shard(
    crops_file: Path, keypoints_file: Path, status_file: Path, settings: KeypointsSettings, threads: int
) -> None:
    """Write a row of keypoints for every crop of ``crops_file``, in its order; without any it is not valid.

    Raises:
        DataError: more than ``settings.max_failed_fraction`` of the videos failed, or the keypoints are
            to come from the detector, and it gave none for any hand.
    """
    with PackedReader(crops_file, "crops") as reader:
        crops = reader.table(COLUMNS).to_pylist()
    tasks = rows_by_video(((row, crop["video_id"]) for row, crop in enumerate(crops)), CROPS_PER_TASK)
    rows: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    with Progress(len(crops), "crops", "with keypoints") as progress:
        for task, outcome in zip(tasks, _outcomes(crops_file, tasks, settings, threads), strict=True):
            found = outcome.value or [None] * len(task.rows)
            rows += [_row(crops[row], keypoints) for row, keypoints in zip(task.rows, found, strict=True)]
            if outcome.failure:
                reason = f"{len(task.rows)} crops failed: {outcome.failure}"
                before = failures.get(task.video_id)
                failures[task.video_id] = f"{before}; {reason}" if before else reason
            progress.advance(len(task.rows), sum(keypoints is not None for keypoints in found))
    if settings.estimator == "detector" and rows and not any(row["valid"] for row in rows):
        raise DataError(
            f"{crops_file}: its detector gave no landmarks, so keypoints.estimator = detector has nothing to "
            "map; set keypoints.estimator: mediapipe"
        )
    check_failures(
        failures, len({task.video_id for task in tasks}), settings.max_failed_fraction, "keypoints"
    )
    write_table(keypoints_file, "keypoints", rows)
    write_table(status_file, "status", _status_rows(crops, rows, failures))


class CropEstimator:
    """Estimates the keypoints of some crops; one lives in each worker."""

    def __init__(self, crops_file: Path, settings: KeypointsSettings) -> None:
        cv2.setNumThreads(1)
        self._crops = PackedReader(crops_file, "crops")
        self._estimator = make_estimator(settings)

    def __call__(self, task: VideoRows) -> list[Keypoints | None]:
        """The keypoints of these rows of the crops table."""
        return [self._estimator.estimate(self._crops.row(row)) for row in task.rows]


def _outcomes(
    crops_file: Path, tasks: list[VideoRows], settings: KeypointsSettings, threads: int
) -> Iterator[Outcome[list[Keypoints | None]]]:
    if settings.estimator == "detector":
        estimate = CropEstimator(crops_file, settings)
        return (Outcome(estimate(task)) for task in tasks)
    make = functools.partial(CropEstimator, crops_file, settings)
    return map_in_order(make, tasks, threads, lambda task: settings.crop_timeout_s * len(task.rows))


def _row(crop: dict[str, Any], keypoints: Keypoints | None) -> dict[str, Any]:
    row = {name: crop[name] for name in ("hand_id", "video_id", "timestamp_s", "side")}
    if keypoints is None:
        nothing = {"keypoints": [math.nan] * (2 * JOINTS), "z": [math.nan] * JOINTS}
        return {**row, "score": 0.0, **nothing, "valid": False}
    points = keypoints.points
    found = {"keypoints": points[:, :2].ravel().tolist(), "z": points[:, 2].tolist()}
    return {**row, "score": keypoints.score, **found, "valid": True}


def _status_rows(
    crops: list[dict[str, Any]], rows: list[dict[str, Any]], failures: dict[str, str]
) -> list[dict[str, Any]]:
    """One row per video that has crops: its frames with crops, its hands with keypoints."""
    frames: dict[str, set[int]] = {}
    hands: Counter[str] = Counter()
    for crop, row in zip(crops, rows, strict=True):
        frames.setdefault(crop["video_id"], set()).add(crop["frame_index"])
        hands[crop["video_id"]] += row["valid"]
    return [
        {
            "video_id": video_id,
            "ok": video_id not in failures,
            "frames": len(indices),
            "hands": hands[video_id],
            "reason": failures.get(video_id, "" if hands[video_id] else "no keypoints found"),
        }
        for video_id, indices in frames.items()
    ]

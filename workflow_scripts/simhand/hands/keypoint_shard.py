"""Stage ``keypoints``: the crops of one shard to a table of 2D keypoints and a status table."""

import functools
import logging
import math
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.shard_parts import ShardFiles, ShardParts, shard_parts
from simhand.files.tables import JOINTS
from simhand.hands.estimator import Keypoints
from simhand.hands.make_estimator import make_estimator
from simhand.hands.video_rows import (
    VideoRows,
    part_identities,
    rows_by_video,
    status_without_rows,
    statuses_before,
)
from simhand.settings.keypoints import KeypointsSettings
from simhand.videos.failures import check_failures
from simhand.videos.progress import Progress
from simhand.videos.worker_pool import Work, map_in_order
from simhand.videos.worker_process import Outcome

CROPS_PER_TASK = 64
LOOKED_UP = ("detector", "given")
"""Estimators that cost next to nothing: one process is enough."""

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class KeypointsFiles:
    """The two files of the crops stage that are read for a shard, and the two that are written.

    Attributes:
        given: the user's files, for the estimator that takes its keypoints from them.
    """

    crops: Path
    crops_status: Path
    keypoints: Path
    status: Path
    given: Sequence[Path] = ()


def estimate_shard(files: KeypointsFiles, settings: KeypointsSettings, threads: int) -> None:
    """Write a row of keypoints for every crop of a shard, in its order; without any it is not valid.

    The outputs do not depend on ``threads``, nor on how often the job was killed and begun again; videos
    that are finished are not done again.

    Raises:
        DataError: more than ``settings.max_failed_fraction`` of the videos failed, the inputs do not belong
            together, or the keypoints are to come from the detector, and it gave none for any hand.
        DiskFullError: no room.
    """
    with PackedReader(files.crops, "crops") as reader:
        videos = reader.table(["video_id"])["video_id"].to_pylist()
    tasks = rows_by_video(enumerate(videos), CROPS_PER_TASK)
    identities = part_identities(tasks, __file__, settings.effective_json(), [files.crops, *files.given])
    before = statuses_before(files.crops_status, "status", identities, files.crops)
    statuses = {name: status_without_rows(row, "crops") for name, row in before.items()}
    outputs = ShardFiles({"keypoints": files.keypoints}, "status", files.status)
    with shard_parts(outputs, identities) as parts:
        finished = parts.finished()
        statuses |= finished
        with Progress(_totals(tasks), _done(tasks, finished.values())) as progress:
            todo = [task for task in tasks if task.video_id not in finished]
            for status in _estimate_all(todo, files, parts, settings, threads, progress):
                statuses[status["video_id"]] = status
        if settings.estimator == "detector" and tasks and not any(row["hands"] for row in statuses.values()):
            raise DataError(
                f"{files.crops}: its detector gave no landmarks, so keypoints.estimator = detector has "
                "nothing to map; set keypoints.estimator: mediapipe"
            )
        failed = {name: statuses[name]["reason"] for name in identities if not statuses[name]["ok"]}
        check_failures(failed, len(identities), settings.max_failed_fraction, "keypoints")
        parts.publish(statuses.values())


class CropEstimator:
    """Estimates the keypoints of some crops; one lives in each worker."""

    def __init__(self, files: KeypointsFiles, settings: KeypointsSettings) -> None:
        cv2.setNumThreads(1)
        self._crops = PackedReader(files.crops, "crops")
        self._estimator = make_estimator(settings, files.crops, files.given)

    def __call__(self, task: VideoRows) -> list[Keypoints | None]:
        """The keypoints of these rows of the crops table; None where there are none, or not finite ones."""
        found = (self._estimator.estimate(self._crops.row(row)) for row in task.rows)
        return [one if one is not None and np.isfinite(one.points[:, :2]).all() else None for one in found]


def _estimate_all(
    tasks: list[VideoRows],
    files: KeypointsFiles,
    parts: ShardParts,
    settings: KeypointsSettings,
    threads: int,
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Make the parts of the videos of ``tasks`` and give their status rows."""
    with (
        PackedReader(files.crops, "crops") as crops,
        closing(_outcomes(files, tasks, settings, threads)) as outcomes,
    ):
        # grouped by the tasks, not the outcomes: a video is finished before the next one's outcome is there
        for video_id, portions in groupby(tasks, key=lambda task: task.video_id):
            frames: set[int] = set()
            valid, failures = 0, []
            with parts.writer(video_id) as part:
                for task in portions:
                    outcome = next(outcomes)
                    found = outcome.value or [None] * len(task.rows)
                    for row, keypoints in zip(task.rows, found, strict=True):
                        crop = crops.row(row)
                        frames.add(crop["frame_index"])
                        part.append("keypoints", _row(crop, keypoints))
                    if outcome.failure:
                        failures.append(f"{len(task.rows)} crops failed: {outcome.failure}")
                        log.warning("%s: %s", video_id, failures[-1])
                    new = sum(keypoints is not None for keypoints in found)
                    valid += new
                    progress.advance({"hands": len(task.rows), "with keypoints": new})
                reason = "; ".join(failures) or ("" if valid else "no keypoints found")
                counts = {"frames": len(frames), "hands": valid}
                part.status = {"video_id": video_id, "ok": not failures, **counts, "reason": reason}
            progress.advance({"videos": 1})
            yield part.status


def _outcomes(
    files: KeypointsFiles, tasks: list[VideoRows], settings: KeypointsSettings, threads: int
) -> Generator[Outcome[list[Keypoints | None]], None, None]:
    if settings.estimator in LOOKED_UP:
        estimate = CropEstimator(files, settings)
        yield from (Outcome(estimate(task)) for task in tasks)
        return
    make = functools.partial(CropEstimator, files, settings)
    yield from map_in_order(Work(make, tasks, threads, lambda task: settings.crop_timeout_s * len(task.rows)))


def _row(crop: dict[str, Any], keypoints: Keypoints | None) -> dict[str, Any]:
    row = {name: crop[name] for name in ("hand_id", "video_id", "timestamp_s", "side")}
    if keypoints is None:
        nothing = {"keypoints": [math.nan] * (2 * JOINTS), "z": [math.nan] * JOINTS}
        return {**row, "score": 0.0, **nothing, "valid": False}
    points = keypoints.points
    found = {"keypoints": points[:, :2].ravel().tolist(), "z": points[:, 2].tolist()}
    return {**row, "score": keypoints.score, **found, "valid": True}


def _totals(tasks: list[VideoRows]) -> dict[str, float | None]:
    hands = sum(len(task.rows) for task in tasks)
    return {"hands": hands, "videos": len({task.video_id for task in tasks}), "with keypoints": None}


def _done(tasks: list[VideoRows], statuses: Collection[dict[str, Any]]) -> dict[str, float]:
    names = {status["video_id"] for status in statuses}
    return {
        "hands": sum(len(task.rows) for task in tasks if task.video_id in names),
        "videos": len(names),
        "with keypoints": sum(status["hands"] for status in statuses),
    }

"""Stage ``crops``: the frames of one shard to one packed file of hand crops and a status table."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from simhand.errors import DataError
from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import write_table
from simhand.hands.crop import crop_window, cut_out
from simhand.hands.detector import DetectedHand, FrameKey, HandDetector, make_detector
from simhand.hands.hand_id import hand_id
from simhand.hands.images import decode_rgb, encode_rgb
from simhand.hands.video_rows import VideoRows, rows_by_video
from simhand.settings.crops import CropsSettings
from simhand.videos.failures import check_failures
from simhand.videos.progress import Progress
from simhand.videos.worker_pool import map_in_order

FRAMES_PER_TASK = 32


@dataclass
class VideoHands:
    """What became of one video so far."""

    frames: int = 0
    hands: int = 0
    failures: list[str] = field(default_factory=list)

    def status_row(self, video_id: str) -> dict[str, Any]:
        """Its row of the status table; a video without hands is fine, but says so."""
        reason = "; ".join(self.failures) or ("" if self.hands else "no hands found")
        counts = {"frames": self.frames, "hands": self.hands}
        return {"video_id": video_id, "ok": not self.failures, **counts, "reason": reason}


def crop_shard(
    frames_file: Path, crops_file: Path, status_file: Path, settings: CropsSettings, threads: int
) -> None:
    """Find the hands in the frames of ``frames_file`` and write their crops in the order of the frames.

    The outputs do not depend on ``threads``. A video with frames that crash or hang the detector keeps
    the hands of its other frames, and its status row says which ones failed.

    Raises:
        DataError: more than ``settings.max_failed_fraction`` of the videos failed.
    """
    tasks = _tasks(frames_file)
    videos = {task.video_id: VideoHands() for task in tasks}
    seen: set[int] = set()
    outcomes = map_in_order(
        functools.partial(FrameCropper, frames_file, settings),
        tasks,
        threads,
        lambda task: settings.frame_timeout_s * len(task.rows),
    )
    total = sum(len(task.rows) for task in tasks)
    with packed_writer(crops_file, "crops") as writer, Progress(total, "frames", "hands") as progress:
        for task, outcome in zip(tasks, outcomes, strict=True):
            hands, video = outcome.value or [], videos[task.video_id]
            if outcome.failure:
                video.failures.append(f"{len(task.rows)} frames failed: {outcome.failure}")
            for hand in hands:
                _check_new(hand["hand_id"], seen)
                writer.append(hand)
            video.frames += len(task.rows)
            video.hands += len(hands)
            progress.advance(len(task.rows), len(hands))
        failed = {name: "; ".join(video.failures) for name, video in videos.items() if video.failures}
        check_failures(failed, len(videos), settings.max_failed_fraction, "crops")
        write_table(status_file, "status", [video.status_row(name) for name, video in videos.items()])


class FrameCropper:
    """Finds and cuts out the hands of some frames; one lives in each worker."""

    def __init__(self, frames_file: Path, settings: CropsSettings) -> None:
        cv2.setNumThreads(1)
        self._frames = PackedReader(frames_file, "frames")
        self._detector: HandDetector = make_detector(settings)
        self._settings = settings

    def __call__(self, task: VideoRows) -> list[dict[str, Any]]:
        """Rows of the crops table for the hands of ``task``, frame by frame."""
        return [hand for row in task.rows for hand in self._hands_of(self._frames.row(row))]

    def _hands_of(self, frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
        rgb = decode_rgb(frame["jpeg"])
        height, width = rgb.shape[:2]
        key = FrameKey(frame["video_id"], frame["frame_index"], frame["timestamp_s"])
        # numbered before any is dropped, so that thresholds do not change the ids of those that stay
        for number, hand in enumerate(self._detector.detect(rgb, key)):
            window = crop_window(hand.box, self._settings.box_scale, self._settings.border, width, height)
            if window is None or not self._is_wanted(hand):
                continue
            is_left = hand.side == "left"
            crop = cut_out(rgb, window, self._settings.size_px, self._settings.border, mirrored=is_left)
            yield {
                "hand_id": hand_id(frame["video_id"], frame["frame_index"], number),
                **{name: frame[name] for name in ("video_id", "frame_index", "timestamp_s")},
                "side": hand.side,
                **dict(zip(("x1", "y1", "x2", "y2"), hand.box, strict=True)),
                "score": hand.score,
                "window": list(window),
                "landmarks": None if hand.landmarks is None else hand.landmarks.ravel().tolist(),
                "jpeg": encode_rgb(crop, self._settings.jpeg_quality),
            }

    def _is_wanted(self, hand: DetectedHand) -> bool:
        x1, y1, x2, y2 = hand.box
        large_enough = max(x2 - x1, y2 - y1) >= self._settings.min_box_px
        return large_enough and hand.score >= self._settings.min_score


def _tasks(frames_file: Path) -> list[VideoRows]:
    """Rows with a new frame: one that stands for several seconds is looked at once."""
    with PackedReader(frames_file, "frames") as reader:
        table = reader.table(["video_id", "frame_index"])
    frames = list(zip(table["video_id"].to_pylist(), table["frame_index"].to_pylist(), strict=True))
    new = [row for row, frame in enumerate(frames) if row == 0 or frame != frames[row - 1]]
    return rows_by_video(((row, frames[row][0]) for row in new), FRAMES_PER_TASK)


def _check_new(number: int, seen: set[int]) -> None:
    if number in seen:
        raise DataError(f"two hands share hand_id {number}: the frames file has a frame of one video twice")
    seen.add(number)

"""Stage ``crops``: the frames of one shard to one packed file of hand crops and a status table."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.shard_parts import ShardParts
from simhand.hands.crop import crop_window, cut_out
from simhand.hands.detector import DetectedHand, FrameKey, HandDetector
from simhand.hands.frame_search import FrameSearch, SearchFiles, search_frames
from simhand.hands.hand_id import hand_id
from simhand.hands.images import decode_rgb, encode_rgb
from simhand.hands.make_detector import make_detector
from simhand.hands.video_rows import VideoRows
from simhand.settings.crops import CropsSettings


@dataclass(frozen=True)
class CropsFiles:
    """The two files of the frames stage that are read for a shard, and the two that are written.

    Attributes:
        detections: table of what was found before, for detectors that only look it up.
    """

    frames: Path
    frames_status: Path
    crops: Path
    status: Path
    detections: Path | None = None


def crop_shard(files: CropsFiles, settings: CropsSettings, threads: int) -> None:
    """Find the hands in the frames of a shard and write their crops in the order of the frames.

    The outputs do not depend on ``threads``, nor on how often the job was killed and begun again; videos
    that are finished are not searched again. A video with frames that crash or hang the detector keeps
    the hands of its other frames, and its status row says which ones failed.

    Raises:
        DataError: more than ``settings.max_failed_fraction`` of the videos failed, or the inputs do not
            belong together.
        DiskFullError: no room.
    """
    search = FrameSearch(
        table="crops",
        section="crops",
        module=__file__,
        settings_json=settings.effective_json(),
        inputs=[files.frames] if files.detections is None else [files.frames, files.detections],
        make_function=functools.partial(FrameCropper, files.frames, settings, files.detections),
        is_hand=lambda row: True,
        workers=threads,
        frame_timeout_s=settings.frame_timeout_s,
        max_failed_fraction=settings.max_failed_fraction,
    )
    search_frames(
        search, SearchFiles(files.frames, files.frames_status, files.crops, files.status), _check_ids
    )


class FrameCropper:
    """Finds and cuts out the hands of some frames; one lives in each worker."""

    def __init__(self, frames_file: Path, settings: CropsSettings, detections: Path | None) -> None:
        cv2.setNumThreads(1)
        self._frames = PackedReader(frames_file, "frames")
        self._detector: HandDetector = make_detector(settings, detections)
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
        return large_enough and hand.score >= self._settings.lowest_score()


def _check_ids(parts: ShardParts) -> None:
    seen: set[int] = set()
    for ids in parts.column("crops", "hand_id"):
        numbers = ids.to_pylist()
        twice = [number for number in numbers if number in seen]
        seen.update(numbers)
        if twice or len(set(numbers)) < len(numbers):
            raise DataError(
                f"{parts.files.tables['crops']}: two hands share a hand_id, so the frames file has a frame "
                "of one video twice; delete it and run its stage again"
            )

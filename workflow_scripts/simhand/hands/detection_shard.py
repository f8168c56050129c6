"""Stage ``detections``: the frames of one shard to a table of hands and objects and a status table."""

import functools
from collections.abc import Iterator
from pathlib import Path

import cv2
import torch

from simhand.device import choose_device
from simhand.errors import ConfigError
from simhand.files.packed import PackedReader
from simhand.hands.frame_search import FrameSearch, Row, SearchFiles, search_frames
from simhand.hands.hand_object.detections import Detection
from simhand.hands.hand_object.detector import HandObjectDetector
from simhand.hands.images import decode_rgb
from simhand.hands.video_rows import VideoRows
from simhand.settings.hand_object_detector import WHERE_TO_GET, HandObjectDetectorSettings


def detect_shard(files: SearchFiles, settings: HandObjectDetectorSettings, threads: int) -> None:
    """Find hands and objects in the frames of a shard and write them in the order of the frames.

    A GPU is fed by one process; without one there is a process per thread, each with the network.

    Raises:
        ConfigError: no weights are named, or a GPU is asked for and there is none.
        DataError: the weights do not fit, too many videos failed, or the inputs do not belong together.
        DiskFullError: no room.
    """
    if settings.weights is None:
        raise ConfigError(f"hand_object_detector.weights names no file. {WHERE_TO_GET}")
    device = choose_device(settings.device, "hand_object_detector.device")
    weights = Path(settings.weights).expanduser()
    search = FrameSearch(
        table="detections",
        section="hand_object_detector",
        module=__file__,
        settings_json=settings.effective_json(),
        inputs=[files.frames, weights],
        make_function=functools.partial(FrameDetector, files.frames, weights, settings, device),
        is_hand=lambda row: row["kind"] == "hand",
        workers=1 if device.type == "cuda" else threads,
        frame_timeout_s=settings.frame_timeout_s,
        max_failed_fraction=settings.max_failed_fraction,
    )
    search_frames(search, files)


class FrameDetector:
    """Finds the hands and objects of some frames; one lives in each worker."""

    def __init__(
        self, frames_file: Path, weights: Path, settings: HandObjectDetectorSettings, device: torch.device
    ) -> None:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self._frames = PackedReader(frames_file, "frames")
        self._detector = HandObjectDetector(weights, device, settings.min_score, settings.max_overlap)

    def __call__(self, task: VideoRows) -> list[Row]:
        """Rows of the detections table for ``task``, frame by frame."""
        return [row for number in task.rows for row in self._rows_of(self._frames.row(number))]

    def _rows_of(self, frame: Row) -> Iterator[Row]:
        for detection in self._detector.detect(decode_rgb(frame["jpeg"])):
            key = {name: frame[name] for name in ("video_id", "frame_index", "timestamp_s")}
            yield key | _columns(detection)


def _columns(detection: Detection) -> Row:
    x, y, magnitude = detection.offset or (None, None, None)
    return {
        "kind": detection.kind,
        **dict(zip(("x1", "y1", "x2", "y2"), detection.box, strict=True)),
        "score": detection.score,
        "side": detection.side,
        "contact_state": detection.contact_state,
        **{"offset_x": x, "offset_y": y, "offset_magnitude": magnitude},
    }

"""Annotated hands to crops: each is cut out of its frame as the released loaders cut it."""

import functools
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from simhand.errors import DataError
from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import write_table
from simhand.hand100m.annotation_format import BOX_SCALE, CROP_PX
from simhand.hands.crop import crop_window, cut_out
from simhand.hands.images import decode_rgb, encode_rgb
from simhand.hands.video_rows import VideoRows, rows_by_video
from simhand.settings.imported_sets import ImportedSetSettings
from simhand.videos.progress import Progress
from simhand.videos.worker_pool import Work, map_in_order

HANDS_PER_TASK = 32
IMAGE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class CropFiles:
    """What the stage writes for a shard."""

    crops: Path
    keypoints: Path
    status: Path


def crop_annotations(
    annotations_file: Path, files: CropFiles, shard: int, settings: ImportedSetSettings, threads: int
) -> None:
    """Write the crops, the keypoints and the status of the videos that fall into ``shard``.

    A hand whose image is missing or broken is left out, and its video's status row says so. The outputs do
    not depend on ``threads``.
    """
    with PackedReader(annotations_file, "annotations") as reader:
        hands = reader.table(["video_id", "file_name"])
    rows = rows_of_shard(hands, shard, settings.shards)
    video_ids = hands["video_id"].take(rows).to_pylist()
    tasks = rows_by_video(zip(rows.tolist(), video_ids, strict=True), HANDS_PER_TASK)
    work = Work(
        functools.partial(AnnotationCropper, annotations_file, settings),
        tasks,
        threads,
        lambda task: IMAGE_TIMEOUT_S * len(task.rows),
    )
    kept: list[int] = []
    failures: list[tuple[str, str]] = []
    with (
        packed_writer(files.crops, "crops") as writer,
        Progress({"hands": len(rows), "crops": None}) as progress,
        closing(map_in_order(work)) as outcomes,
    ):
        for task, outcome in zip(tasks, outcomes, strict=True):
            crops = outcome.value or [outcome.failure] * len(task.rows)
            for row, crop in zip(task.rows, crops, strict=True):
                if isinstance(crop, str):
                    failures.append((task.video_id, crop))
                else:
                    writer.append(crop)
                    kept.append(row)
            made = sum(isinstance(crop, dict) for crop in crops)
            progress.advance({"hands": len(task.rows), "crops": made})
    write_table(files.keypoints, "keypoints", _keypoints(annotations_file, kept))
    write_table(files.status, "status", _status_rows(hands, rows, kept, failures))


def rows_of_shard(hands: pa.Table, shard: int, shards: int) -> np.ndarray:
    """The rows whose video belongs to ``shard`` of ``shards``, all hands of a frame one after the other.

    Args:
        hands: columns video_id and file_name.
        shard: from 0.
        shards: how many there are.
    """
    encoded = hands["video_id"].combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    belongs = np.array([zlib.crc32(name.encode()) % shards == shard for name in names], bool)
    rows = np.flatnonzero(belongs[encoded.indices.to_numpy()])
    order = pa.compute.sort_indices(
        hands.take(rows), sort_keys=[("video_id", "ascending"), ("file_name", "ascending")]
    )
    return rows[order.to_numpy()]


class AnnotationCropper:
    """Cuts out some annotated hands; one lives in each worker."""

    def __init__(self, annotations_file: Path, settings: ImportedSetSettings) -> None:
        cv2.setNumThreads(1)
        self._annotations = PackedReader(annotations_file, "annotations")
        self._settings = settings
        # hands of one frame follow each other: it is decoded once
        self._frame = functools.lru_cache(maxsize=1)(self._decode)

    def __call__(self, task: VideoRows) -> list[dict[str, Any] | str]:
        """For each hand its row of the crops table, or why there is none."""
        return [self._crop(self._annotations.row(row)) for row in task.rows]

    def _crop(self, hand: dict[str, Any]) -> dict[str, Any] | str:
        frame = self._frame(hand["file_name"])
        if isinstance(frame, str):
            return frame
        box = hand["x1"], hand["y1"], hand["x2"], hand["y2"]
        window = crop_window(box, BOX_SCALE, "clamp", width=frame.shape[1], height=frame.shape[0])
        if window is None:
            return "box outside of the image"
        crop = cut_out(frame, window, CROP_PX, "clamp", mirrored=hand["side"] == "left")
        columns = ("hand_id", "video_id", "frame_index", "timestamp_s", "side", "x1", "y1", "x2", "y2")
        return {
            **{name: hand[name] for name in columns},
            "score": np.nan,
            "window": list(window),
            "landmarks": None,
            "jpeg": encode_rgb(crop, self._settings.jpeg_quality),
        }

    def _decode(self, file_name: str) -> np.ndarray | str:
        """The frame as (height, width, 3) uint8 RGB, or why it cannot be had."""
        try:
            encoded = Path(self._settings.images, file_name).expanduser().read_bytes()
        except FileNotFoundError:
            return "image is missing"
        except OSError as error:
            return f"image cannot be read ({error.strerror})"
        try:
            return decode_rgb(encoded)
        except (DataError, cv2.error):
            return "image cannot be decoded"


def _keypoints(annotations_file: Path, rows: Sequence[int]) -> pa.Table:
    """The keypoints of these rows as table ``keypoints``."""
    with PackedReader(annotations_file, "annotations") as reader:
        columns = ["hand_id", "video_id", "timestamp_s", "side", "keypoints", "z"]
        table = reader.table(columns).take(pa.array(rows, pa.int64()))
    table = table.add_column(4, "score", pa.array(np.full(len(rows), np.nan, np.float32)))
    return table.append_column("valid", pa.array(np.ones(len(rows), bool)))


def _status_rows(
    hands: pa.Table, rows: np.ndarray, kept: Sequence[int], failures: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """One row per video: its images, the hands that were cut out, and why others were not."""
    wanted = hands.take(rows)
    images = Counter(video for video, _ in set(zip(*wanted.to_pydict().values(), strict=True)))
    found = Counter(hands["video_id"].take(pa.array(kept, pa.int64())).to_pylist())
    reasons: dict[str, Counter[str]] = {}
    for video_id, reason in failures:
        reasons.setdefault(video_id, Counter())[reason] += 1
    return [
        {
            "video_id": video_id,
            "ok": video_id not in reasons,
            "frames": images[video_id],
            "hands": found[video_id],
            "reason": "; ".join(
                f"{count} hands: {reason}" for reason, count in reasons.get(video_id, {}).items()
            ),
        }
        for video_id in sorted(images)
    ]

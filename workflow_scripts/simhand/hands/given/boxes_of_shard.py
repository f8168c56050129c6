"""Stage ``detections`` for given boxes: those at the sampled frames of a shard, as a detector gives them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import stamped_schema, write_table
from simhand.hands.given.box_files import read_box_file
from simhand.hands.given.box_messages import no_match, notes_of_video, tell_other_videos, tell_unused_files
from simhand.hands.given.box_rows import BOX_ROWS, CORNERS
from simhand.hands.given.file_names import BOXES, files_of_shard
from simhand.hands.given.match import NO_FRAME, NO_INDEX, SampledFrames, frames_of_boxes
from simhand.videos.index_table import IndexedVideo

LARGEST_BOX = 3
"""Such a box, in sides of the frame, is in the pixels of another image."""

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class DetectionsFiles:
    """The packed frames of a shard, and the table of detections and the status table to write."""

    frames: Path
    detections: Path
    status: Path


@dataclass(frozen=True)
class Shard:
    """A shard of a source, and the index of all videos of the run."""

    source: str
    name: str
    index: Sequence[IndexedVideo]

    def videos(self) -> list[str]:
        """The ids of its videos."""
        return [row.video_id for row in self.index if (row.source, row.shard) == (self.source, self.name)]


def read_boxes_of_shard(given: Path, tolerance_s: float, shard: Shard, files: DetectionsFiles) -> None:
    """Write the given boxes that lie in sampled frames of a shard, frame by frame in the order of the files.

    Boxes at other frames are counted. A box that is empty, outside of its frame, or without numbers or side
    is counted, told in the status of its video, and left out.

    Args:
        given: the file or folder of boxes.
        tolerance_s: a box that tells a time belongs to a frame no further away.
        shard: which videos.
        files: what is read and written.

    Raises:
        DataError: a file is missing or broken, names no video of the run, or none of its boxes of this
            shard can be used.
    """
    videos, run_videos = shard.videos(), {row.video_id for row in shard.index}
    paths = files_of_shard(given, BOXES, shard.source, shard.name, videos)
    read = [read_box_file(path, set(videos), run_videos) for path in paths]
    tell_other_videos(read, run_videos)
    tell_unused_files(given, run_videos | {f"{row.source}/{row.shard}" for row in shard.index})
    boxes = pa.concat_tables([BOX_ROWS.empty_table(), *(file.boxes for file in read)])
    boxes_of, frames_of = _rows_by_video(boxes), dict(_sampled_frames(files.frames))
    nothing = np.empty(0, np.int64)
    done = [
        _video(video_id, boxes.take(boxes_of.get(video_id, nothing)), frames_of.get(video_id), tolerance_s)
        for video_id in videos
    ]
    detections = pa.concat_tables([found for found, _ in done])
    log.info("%d of the %d boxes of this shard are used", len(detections), len(boxes))
    if len(boxes) and frames_of and not len(detections):
        raise DataError(no_match(read, boxes, frames_of))
    write_table(files.detections, "detections", detections)
    write_table(files.status, "status", [status for _, status in done])


def _video(
    video_id: str, boxes: pa.Table, frames: SampledFrames | None, tolerance_s: float
) -> tuple[pa.Table, dict[str, Any]]:
    """The detections of one video and its status row."""
    schema = stamped_schema("detections")
    status: dict[str, Any] = {"video_id": video_id, "ok": True, "frames": 0, "hands": 0}
    if frames is None:
        return schema.empty_table(), {**status, "reason": "no frames"}
    status["frames"] = len(frames.index)
    if not len(boxes):
        return schema.empty_table(), {**status, "reason": "no boxes given"}
    index = boxes["frame_index"].fill_null(NO_INDEX).to_numpy()
    frame = frames_of_boxes(frames, index, _floats(boxes, "timestamp_s"), tolerance_s)
    size = frames.size[frame]
    corners = np.stack([_floats(boxes, name) for name in CORNERS], axis=1)
    in_fractions = boxes["in_fractions"].to_numpy()[:, None]
    corners = np.where(in_fractions, corners * np.tile(size, 2), corners)
    problems = _problems(boxes, corners, size)
    used = np.flatnonzero((frame != NO_FRAME) & (problems == ""))
    used = used[np.argsort(frame[used], kind="stable")]
    columns = {name: boxes[name].take(used) for name in schema.names}
    columns |= {name: pa.array(corners[used, number]) for number, name in enumerate(CORNERS)}
    columns["frame_index"] = pa.array(frames.index[frame[used]])
    columns["timestamp_s"] = pa.array(frames.time_s[frame[used]])
    columns["score"] = columns["score"].fill_null(1.0)
    status["hands"] = columns["kind"].to_pylist().count("hand")
    status["reason"] = "; ".join(notes_of_video(frame, problems, corners))
    return pa.table(columns).cast(schema), status


def _problems(boxes: pa.Table, corners: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Why each box cannot be used; an empty text for those that can."""
    x1, y1, x2, y2 = corners.T
    width, height = size.T
    score = np.asarray(boxes["score"].fill_null(1.0).to_numpy())
    is_hand = np.array([kind == "hand" for kind in boxes["kind"].to_pylist()])
    checks = {
        "not all numbers": ~np.isfinite(corners).all(axis=1),
        "empty": (x2 <= x1) | (y2 <= y1),
        "outside of the frame": (x2 <= 0) | (y2 <= 0) | (x1 >= width) | (y1 >= height),
        "far larger than the frame": np.maximum(x2 - x1, y2 - y1) > LARGEST_BOX * size.max(axis=1),
        "without side": is_hand & boxes["side"].is_null().to_numpy(),
        "with a score outside of 0 to 1": ~((score >= 0) & (score <= 1)),
    }
    return np.select(list(checks.values()), list(checks), default="")


def _sampled_frames(frames_file: Path) -> Iterator[tuple[str, SampledFrames]]:
    """The frames of each video; one that stands for several seconds once."""
    with PackedReader(frames_file, "frames") as reader:
        table = reader.table(["video_id", "frame_index", "timestamp_s", "width", "height"])
    for video_id, rows in _rows_by_video(table).items():
        index, first = np.unique(table["frame_index"].take(rows).to_numpy(), return_index=True)
        time_s, width, height = (table[name].take(rows[first]).to_numpy() for name in table.column_names[2:])
        yield video_id, SampledFrames(index, time_s, np.stack([width, height], axis=1))


def _rows_by_video(table: pa.Table) -> dict[str, np.ndarray]:
    """The rows of each video, in their order."""
    encoded = table["video_id"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    names = encoded.dictionary.to_pylist()
    starts = np.searchsorted(codes[order], np.arange(1, len(names)))
    return dict(zip(names, np.split(order, starts), strict=True)) if names else {}


def _floats(table: pa.Table, name: str) -> np.ndarray:
    """A column with NaN for null."""
    return np.asarray(table[name].fill_null(np.nan).to_numpy(), np.float64)

"""What several tests on hands do: packed frames, one run of the crops stage, pairing with the truth."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import read_table, write_table
from simhand.hands.crop_shard import CropsFiles, crop_shard
from simhand.settings.crops import CropsSettings


def write_frames(
    path: Path,
    frames: Iterable[tuple[str, int, bytes]],
    failed: dict[str, str] | None = None,
    size: tuple[int, int] = (0, 0),
) -> Path:
    """A packed file of (video_id, frame_index, jpeg), one per second, and its status beside it.

    ``failed`` are videos that gave no frame, and why; they stand last. ``size`` is width and height.
    """
    counts: Counter[str] = Counter()
    with packed_writer(path, "frames") as writer:
        for video_id, index, jpeg in frames:
            place = {"video_id": video_id, "frame_index": index, "timestamp_s": float(index)}
            writer.append({**place, "width": size[0], "height": size[1], "jpeg": jpeg})
            counts[video_id] += 1
    rows = [{"video_id": name, "ok": True, "frames": count, "reason": ""} for name, count in counts.items()]
    rows += [
        {"video_id": name, "ok": False, "frames": 0, "reason": why} for name, why in (failed or {}).items()
    ]
    write_table(path.with_suffix(".status.parquet"), "frames_status", rows)
    return path


def run_crops(
    frames: Path, folder: Path, threads: int = 1, detections: Path | None = None, **settings: Any
) -> tuple[Path, list[dict[str, Any]]]:
    """Run the crops stage; the packed file and its status rows. The frames' status lies beside them."""
    crops, status = folder / "crops.arrow", folder / "crops.status.parquet"
    files = CropsFiles(frames, frames.with_suffix(".status.parquet"), crops, status, detections)
    crop_shard(files, CropsSettings(**settings), threads)
    return crops, read_table(status, "status").to_pylist()


def rows_of(packed: Path, name: str = "crops") -> list[dict[str, Any]]:
    """All rows of a packed file."""
    with PackedReader(packed, name) as reader:
        return [reader.row(row) for row in range(len(reader))]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


def paired_with_truth(
    hands: list[dict[str, Any]], truth: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every true hand that is wholly in view with the found hand whose box overlaps its by more than half."""
    pairs = []
    for true in truth:
        joints = np.array(true["joints_2d_px"]).reshape(21, 2)
        box = np.concatenate([joints.min(axis=0), joints.max(axis=0)])
        for hand in hands:
            same_frame = (hand["video_id"], hand["timestamp_s"]) == (true["video_id"], true["timestamp_s"])
            if true["in_view"] and same_frame and overlap(box, box_of(hand)) > 0.5:
                pairs.append((hand, true))
    return pairs


def box_of(hand: dict[str, Any]) -> np.ndarray:
    """The box of a row of the crops table."""
    return np.array([hand[name] for name in ("x1", "y1", "x2", "y2")])

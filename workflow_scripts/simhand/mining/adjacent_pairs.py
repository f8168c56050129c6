"""Pairs of adjacent frames: for every hand the same hand a moment earlier or later, TempCLR's positives.

Which hand is "the same" is not known; it is taken to be one of the same side in the same video.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import make_table
from simhand.mining.sets import Int64Array, hand_ids_of, rows_of

BOX = ["x1", "y1", "x2", "y2"]
COLUMNS = ["hand_id", "video_id", "side", "frame_index", "timestamp_s", *BOX]

log = logging.getLogger("simhand")

Float64Array = npt.NDArray[np.float64]


def pair_adjacent_frames(run_dir: Path, hands: pa.Table, max_gap_s: float) -> pa.Table:
    """The adjacent hand of every hand of a set that has one, as rank 1 of table ``pairs``, by hand_id.

    Candidates are the hands of the set of the same video and side in another frame, at most ``max_gap_s``
    away. The nearest frame counts in whole seconds, as frames are a second apart but for the jitter of their
    times; then the larger overlap of the two boxes; then the nearer in time; then the smaller hand_id.
    ``distance`` is the time between them in seconds.

    Args:
        run_dir: folder of the run, for the times and boxes in the crops.
        hands: table ``set``.
        max_gap_s: most seconds between the two frames.

    Raises:
        DataError: no hand has an adjacent one, or the crops are not those of the set.
    """
    seen = _seen_when(run_dir, hands)
    hand_ids, frames, times = (
        hand_ids_of(seen),
        seen["frame_index"].to_numpy(),
        seen["timestamp_s"].to_numpy(),
    )
    boxes = np.stack([seen[name].to_numpy() for name in BOX], axis=1).astype(np.float64)
    pairs = []
    for track in _tracks(seen):
        first = track.start + np.searchsorted(times[track], times[track] - max_gap_s, "left")
        behind = track.start + np.searchsorted(times[track], times[track] + max_gap_s, "right")
        for row in range(track.start, track.stop):
            near = np.arange(first[row - track.start], behind[row - track.start])
            near = near[frames[near] != frames[row]]
            if len(near):
                gaps = np.abs(times[near] - times[row])
                overlaps = overlap(boxes[row], boxes[near])
                best = np.lexsort((hand_ids[near], gaps, -overlaps, np.rint(gaps)))[0]
                pairs.append((hand_ids[row], 1, hand_ids[near[best]], gaps[best]))
    log.info("%d of %d hands have an adjacent hand within %g s", len(pairs), len(hands), max_gap_s)
    if not pairs:
        raise DataError(
            f"none of {len(hands)} hands has a hand of its side in another frame of its video within "
            f"{max_gap_s:g} s; raise adjacent_pairs.max_gap_s, or make the set larger"
        )
    columns = zip(("hand_id", "rank", "positive_hand_id", "distance"), zip(*pairs, strict=True), strict=True)
    return make_table("pairs", dict(columns)).sort_by("hand_id")


def overlap(box: Float64Array, others: Float64Array) -> Float64Array:
    """Intersection over union of ``box`` (4,) with each of ``others`` (N, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))


def _seen_when(run_dir: Path, hands: pa.Table) -> pa.Table:
    """COLUMNS of the hands whose time is known, by video, side and time."""
    parts = []
    for crop_file in sorted(pc.unique(hands["crop_file"]).to_pylist()):
        wanted: Int64Array = hand_ids_of(hands.filter(pc.equal(hands["crop_file"], crop_file)))
        with PackedReader(run_dir / crop_file, "crops") as reader:
            crops = reader.table(COLUMNS)
            parts.append(crops.take(rows_of(wanted, hand_ids_of(crops), crop_file)))
    seen = pa.concat_tables(parts)
    timed = seen.filter(pc.is_valid(seen["timestamp_s"]))
    if without_time := len(seen) - len(timed):
        log.warning("%d hands take no part: the name of their image tells no frame number", without_time)
    return timed.sort_by([(name, "ascending") for name in ("video_id", "side", "timestamp_s", "hand_id")])


def _tracks(seen: pa.Table) -> Iterator[slice]:
    """The rows of one video and side each."""
    video, side = (
        seen[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in COLUMNS[1:3]
    )
    ends = np.flatnonzero((np.diff(video) != 0) | (np.diff(side) != 0)) + 1
    for start, stop in zip([0, *ends], [*ends, len(seen)], strict=True):
        yield slice(int(start), int(stop))

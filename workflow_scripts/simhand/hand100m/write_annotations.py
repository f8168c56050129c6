"""A mined set as a Hand100M annotation file, which the released loaders read, written as a stream."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.atomic import atomic_path
from simhand.files.tables import read_table
from simhand.hand100m.annotation_format import FrameImage, HandAnnotation
from simhand.hand100m.exported_hands import ExportedShard, Frame, exported_shards
from simhand.mining.sets import Int64Array, hand_ids_of, load_set

FRAMES = "frames"
"""The folder of the exported frames, beside the annotation file."""

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class ExportedPairs:
    """The pairs that are exported, ascending by hand_id and rank."""

    hand_ids: Int64Array
    ranks: npt.NDArray[np.int32]
    positives: Int64Array
    distances: npt.NDArray[np.float64]

    @classmethod
    def of_table(cls, pairs: pa.Table) -> "ExportedPairs":
        """From table ``pairs``."""
        pairs = pairs.sort_by([("hand_id", "ascending"), ("rank", "ascending")])
        ranks, distances = pairs["rank"].to_numpy(), pairs["distance"].to_numpy()
        return cls(hand_ids_of(pairs), ranks, hand_ids_of(pairs, "positive_hand_id"), distances)

    def among(self, hand_ids: Int64Array) -> "ExportedPairs":
        """Those of two hands that are both in ``hand_ids``."""
        kept = np.isin(self.hand_ids, hand_ids) & np.isin(self.positives, hand_ids)
        return ExportedPairs(
            self.hand_ids[kept], self.ranks[kept], self.positives[kept], self.distances[kept]
        )

    def of(self, hand_id: int) -> slice:
        """The rows of one hand."""
        first, behind = np.searchsorted(self.hand_ids, [hand_id, hand_id + 1])
        return slice(int(first), int(behind))


def export_annotations(run_dir: Path, set_file: Path, pairs_file: Path, rank: int | None, out: Path) -> None:
    """Write the hands of a set that have positives, with these, as a Hand100M annotation file.

    Every positive is a hand of the file, as the loaders demand; what has none, or a box of which they would
    cut out nothing, is left out and counted in the log.

    Args:
        run_dir: folder of the run.
        set_file: the set.
        pairs_file: its pairs.
        rank: the loaders take a hand's first positive; with a rank there is that one alone (the release's
            Top-K files), else all that were mined, the most similar first.
        out: JSON file to write.

    Raises:
        DataError: the rank was not mined, no hand is left, or files do not belong together.
    """
    hands = load_set(set_file)
    pairs = _pairs_of_rank(pairs_file, rank)
    with_crop = [
        hand.hand_id
        for shard in exported_shards(run_dir, hands)
        for hand in shard.hands
        if hand.keypoints is not None
    ]
    kept, pairs = closed_under_positives(np.array(with_crop, np.int64), pairs)
    if len(kept) == 0:
        raise DataError(f"{pairs_file} has no positive for any hand of {set_file}; mine the pairs again")
    without_crop, alone = len(hands) - len(with_crop), len(with_crop) - len(kept)
    log.info("%d hands exported with %d positives", len(kept), len(pairs.hand_ids))
    log.info("%d left out: nothing of their box is in the frame, %d: no positive", without_crop, alone)
    members = hands.filter(pc.is_in(hands["hand_id"], pa.array(kept)))
    with atomic_path(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.write('{"images": [')
        _write_entries(file, _images(exported_shards(run_dir, members)))
        file.write('],\n"annotations": [')
        _write_entries(file, _annotations(exported_shards(run_dir, members), pairs))
        file.write("]}\n")


def closed_under_positives(hand_ids: Int64Array, pairs: ExportedPairs) -> tuple[Int64Array, ExportedPairs]:
    """The largest part of ``hand_ids`` in which every hand has a positive, and the pairs within it.

    A hand without a positive goes, and with it the pairs of which it is the positive, and so on.
    """
    while True:
        pairs = pairs.among(hand_ids)
        with_positive = np.intersect1d(hand_ids, pairs.hand_ids)
        if len(with_positive) == len(hand_ids):
            return with_positive, pairs
        hand_ids = with_positive


def _pairs_of_rank(pairs_file: Path, rank: int | None) -> ExportedPairs:
    pairs = read_table(pairs_file, "pairs")
    mined = sorted(pc.unique(pairs["rank"]).to_pylist())
    if rank is not None:
        pairs = pairs.filter(pc.equal(pairs["rank"], rank))
        if rank not in mined:
            raise DataError(
                f"{pairs_file} holds no pair of rank {rank}, only of {mined}; add it to `pairs.ranks`"
            )
    return ExportedPairs.of_table(pairs)


def _images(shards: Iterable[ExportedShard]) -> Iterator[FrameImage]:
    for shard, numbers in _numbered(shards):
        for frame, number in numbers.items():
            yield FrameImage(id=number, file_name=f"{FRAMES}/{shard.frame_path(frame)}")


def _annotations(shards: Iterable[ExportedShard], pairs: ExportedPairs) -> Iterator[HandAnnotation]:
    for shard, numbers in _numbered(shards):
        for hand in shard.hands:
            rows = pairs.of(hand.hand_id)
            ranks = pairs.ranks[rows].tolist()
            assert hand.keypoints is not None
            yield HandAnnotation.model_construct(
                hand_id=str(hand.hand_id),
                image_id=numbers[hand.frame],
                boxes=hand.box,
                keypoint_25d=hand.keypoints.ravel().tolist(),
                left_right="Left" if hand.side == "left" else "Right",
                positive_sample=[str(positive) for positive in pairs.positives[rows]],
                distance=pairs.distances[rows].tolist(),
                rank=None if ranks == list(range(1, len(ranks) + 1)) else ranks,
            )


def _numbered(shards: Iterable[ExportedShard]) -> Iterator[tuple[ExportedShard, dict[Frame, int]]]:
    """Each shard with the number of each of its frames; numbers go on from shard to shard."""
    first = 0
    for shard in shards:
        frames = dict.fromkeys(hand.frame for hand in shard.hands)
        yield shard, {frame: first + place for place, frame in enumerate(frames)}
        first += len(frames)


def _write_entries(file: IO[str], entries: Iterable[FrameImage | HandAnnotation]) -> None:
    separator = "\n"
    for entry in entries:
        file.write(separator + entry.as_json())
        separator = ",\n"

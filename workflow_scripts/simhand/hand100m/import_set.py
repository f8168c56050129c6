"""The crops of annotated hands and their given positives to a pre-training set with its pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import make_table, read_table
from simhand.mining.sets import Int64Array, hand_ids_of, rows_of
from simhand.settings.imported_sets import ImportedSetSettings
from simhand.text import listed_lines


@dataclass(frozen=True)
class ImportCounts:
    """How many annotated hands and positives made it into the set.

    Attributes:
        annotated_hands: hands in the annotation files.
        hands: hands in the set.
        left_out_hands: hands without a crop, as their image is missing or broken.
        annotated_positives: positives in the annotation files.
        pairs: pairs of the set.
        unknown_positives: positives that the files do not hold.
        left_out_positives: positives of a hand without a crop, or such hands themselves.
        hands_without_positive: hands of the set that have no pair.
    """

    annotated_hands: int
    hands: int
    left_out_hands: int
    annotated_positives: int
    pairs: int
    unknown_positives: int
    left_out_positives: int
    hands_without_positive: int


def import_set(
    run_dir: Path, annotations_file: Path, crop_files: Sequence[Path]
) -> tuple[pa.Table, pa.Table, ImportCounts]:
    """The set of all annotated hands that have a crop, their pairs, and what became of the annotations.

    Tables ``set`` and ``pairs`` are ordered as those of other sets. A positive keeps its rank when one before
    it is lost with its image. A hand's recording (group_id) is its video: pairs are given, not looked for.

    Args:
        run_dir: folder of the run.
        annotations_file: packed table ``annotations``.
        crop_files: the crops of all shards, below ``run_dir``.

    Raises:
        DataError: a hand has two positives of one rank, or files do not belong together.
    """
    with PackedReader(annotations_file, "annotations") as reader:
        annotated = reader.table(["hand_id", "video_id", "source", "side"])
        given = reader.table(["positives", "ranks", "distances"])
        hands = _set_table(annotated, _place_of_crops(run_dir, crop_files), str(annotations_file))
        every, chosen = hand_ids_of(annotated), hand_ids_of(hands)
        positives = given["positives"].combine_chunks()
        anchor = every[positives.value_parent_indices().to_numpy()]
        positive = positives.flatten().to_numpy()
        known = np.isin(positive, every)
        kept = known & np.isin(anchor, chosen) & np.isin(positive, chosen)
        pairs = make_table(
            "pairs",
            {
                "hand_id": anchor[kept],
                "rank": given["ranks"].combine_chunks().flatten().to_numpy()[kept],
                "positive_hand_id": positive[kept],
                "distance": given["distances"].combine_chunks().flatten().to_numpy()[kept],
            },
        ).sort_by([("hand_id", "ascending"), ("rank", "ascending")])
    _check_one_of_each_rank(pairs, annotations_file)
    counts = ImportCounts(
        annotated_hands=len(every),
        hands=len(chosen),
        left_out_hands=len(every) - len(chosen),
        annotated_positives=len(positive),
        pairs=pairs.num_rows,
        unknown_positives=int(np.count_nonzero(~known)),
        left_out_positives=int(np.count_nonzero(known & ~kept)),
        hands_without_positive=len(chosen) - len(np.unique(hand_ids_of(pairs))),
    )
    return hands, pairs, counts


def check_left_out(counts: ImportCounts, status_files: Sequence[Path], settings: ImportedSetSettings) -> None:
    """Stop if more than ``settings.max_failed_fraction`` of the annotated hands had to be left out.

    Args:
        counts: of the import.
        status_files: the status tables of all shards, which know why.
        settings: of the set.

    Raises:
        DataError: names some of the videos and what is wrong with their images.
    """
    if counts.left_out_hands <= settings.max_failed_fraction * counts.annotated_hands:
        return
    rows = (row for path in status_files for row in read_table(path, "status").to_pylist())
    failed = listed_lines(f"{row['video_id']}: {row['reason']}" for row in rows if not row["ok"])
    raise DataError(
        f"{counts.left_out_hands} of {counts.annotated_hands} annotated hands cannot be cut out of the "
        f"images in {settings.images}, more than the set's max_failed_fraction = "
        f"{settings.max_failed_fraction:g} allows. Is that the folder below which the file_name of the "
        "annotations begins? Correct it, get the images, or raise the limit:\n" + failed
    )


def _place_of_crops(run_dir: Path, crop_files: Sequence[Path]) -> pa.Table:
    """hand_id, crop_file and crop_row of every crop, ascending by hand_id."""
    parts = []
    for path in crop_files:
        with PackedReader(path, "crops") as reader:
            ids = reader.table(["hand_id"])
        name = path.relative_to(run_dir).as_posix()
        place = {
            "hand_id": ids["hand_id"],
            "crop_file": pa.array([name], pa.string()).take(pa.array(np.zeros(len(ids), np.int64))),
            "crop_row": pa.array(np.arange(len(ids))),
        }
        parts.append(pa.table(place))
    found = pa.concat_tables(parts)
    return found.sort_by("hand_id")


def _set_table(annotated: pa.Table, crops: pa.Table, where: str) -> pa.Table:
    hands = annotated.take(rows_of(hand_ids_of(crops), hand_ids_of(annotated), where))
    columns = {name: hands[name] for name in ("hand_id", "video_id", "source", "side")}
    places = {name: crops[name] for name in ("crop_file", "crop_row")}
    return make_table("set", {**columns, "group_id": hands["video_id"], **places})


def _check_one_of_each_rank(pairs: pa.Table, annotations_file: Path) -> None:
    hand_ids: Int64Array = hand_ids_of(pairs)
    ranks = pairs["rank"].to_numpy()
    twice = (np.diff(hand_ids) == 0) & (np.diff(ranks) == 0)
    if twice.any():
        row = int(np.argmax(twice))
        raise DataError(f"{annotations_file}: hand {hand_ids[row]} has two positives of rank {ranks[row]}")

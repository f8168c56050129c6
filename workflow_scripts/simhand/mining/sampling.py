"""Sampling of a pre-training set from the hands with valid keypoints.

A hand's place in the draw is a keyed hash of (seed, hand_id), and the hands with the smallest hashes
are taken. So the sample depends neither on the order of files nor on threads; a smaller set is part
of a larger one with the same seed; and new videos replace only as many hands as they contribute.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import make_table, read_table
from simhand.mining.sets import Int64Array, check_unique, hand_ids_of, rows_of
from simhand.settings.sets import SetSettings

log = logging.getLogger("simhand")

SIDES = ("left", "right")


@dataclass(frozen=True)
class KeypointsFile:
    """A keypoints file of a run and the names that follow from its path."""

    path: Path

    @property
    def source(self) -> str:
        """The source whose hands it holds."""
        return self.path.parent.name

    @property
    def crop_file(self) -> str:
        """Its crops file, relative to the run folder."""
        return f"crops/{self.source}/{self.path.stem}.arrow"


def sample_set(
    settings: SetSettings, seed: int, run_dir: Path, keypoint_files: Sequence[Path], groups_file: Path
) -> pa.Table:
    """The hands of one pre-training set (table ``set``), ascending by hand_id.

    Raises:
        DataError: no valid hands, fewer than asked for, none of one side, a hand_id that stands twice,
            a source that has no keypoints, a video without a group.
    """
    files = _of_sources([KeypointsFile(path) for path in keypoint_files], settings)
    candidates = _valid_hands(files)
    hand_ids = hand_ids_of(candidates)
    check_unique(hand_ids, "the keypoints files")
    is_left = _is_left(candidates)
    parts = _rows_by_source(candidates, files) if settings.balance_sources else None
    chosen = choose_hands(hand_ids, is_left, settings, seed, parts)
    counts = _counts(is_left[chosen])
    log.info("chose %d of %d hands with valid keypoints: %s", len(chosen), len(hand_ids), counts)
    hands = candidates.take(chosen)
    file_index = hands["file"].to_numpy()
    return make_table(
        "set",
        {
            "hand_id": hands["hand_id"],
            "video_id": hands["video_id"],
            "group_id": _groups_of(hands["video_id"], groups_file),
            "source": pa.array([file.source for file in files], pa.string()).take(file_index),
            "side": hands["side"],
            "crop_file": pa.array([file.crop_file for file in files], pa.string()).take(file_index),
            "crop_row": _crop_rows(run_dir, files, file_index, hand_ids_of(hands)),
        },
    )


def choose_hands(
    hand_ids: Int64Array,
    is_left: npt.NDArray[np.bool_],
    settings: SetSettings,
    seed: int,
    parts: Mapping[str, Int64Array] | None = None,
) -> Int64Array:
    """The rows of the hands that belong to the set, ascending by hand_id.

    Args:
        hand_ids: (N,).
        is_left: (N,) side of each hand.
        settings: of the set.
        seed: of the draw.
        parts: rows by source, to take equally many of each; None draws from all rows at once.

    Raises:
        DataError: there are fewer hands than asked for, or none of one side of a balanced set.
    """
    draw = keyed_hash(hand_ids, seed)
    parts = parts or {"": np.arange(len(hand_ids))}
    size = settings.size
    if size is None:
        # the source with the fewest hands decides
        size = len(parts) * min(_largest(is_left[rows], settings.balance_sides) for rows in parts.values())
    chosen = []
    for number, (source, rows) in enumerate(parts.items()):
        share = size // len(parts) + (number < size % len(parts))
        try:
            chosen.append(rows[_choose(draw[rows], is_left[rows], share, settings.balance_sides)])
        except TooFewHands as error:
            raise DataError(error.message(source, len(parts))) from None
    every = np.concatenate(chosen)
    return every[np.argsort(hand_ids[every])]


@dataclass
class TooFewHands(Exception):
    """A draw asked for more hands than there are."""

    asked: str
    is_left: npt.NDArray[np.bool_]
    largest: int

    def message(self, source: str, sources: int) -> str:
        """What is lacking and what to do, where each of ``sources`` gives the same number."""
        found = _counts(self.is_left) + (f" in source '{source}'" if source else "")
        if self.largest == 0:
            return (
                f"no hands of one side: {found}; a set with balance_sides needs both: "
                "add videos or set balance_sides: false"
            )
        return (
            f"the set asks for {self.asked}, but there are {found} with valid keypoints; lower its size to "
            f"at most {sources * self.largest}, add videos, or change its sources or balance_sides"
        )


def _choose(
    draw: npt.NDArray[np.uint64], is_left: npt.NDArray[np.bool_], size: int, balance_sides: bool
) -> Int64Array:
    """The ``size`` rows that the draw takes, as many left as right where ``balance_sides``."""
    largest = _largest(is_left, balance_sides)
    if not balance_sides:
        if size > largest:
            raise TooFewHands(f"{size} hands", is_left, largest)
        return np.argsort(draw)[:size]
    wanted = {True: size // 2, False: size - size // 2}
    if largest == 0 or any(np.count_nonzero(is_left == side) < count for side, count in wanted.items()):
        raise TooFewHands(f"{wanted[True]} left and {wanted[False]} right hands", is_left, largest)
    of_sides = {side: np.flatnonzero(is_left == side) for side in wanted}
    return np.concatenate([rows[np.argsort(draw[rows])[: wanted[side]]] for side, rows in of_sides.items()])


def _largest(is_left: npt.NDArray[np.bool_], balance_sides: bool) -> int:
    left = int(np.count_nonzero(is_left))
    return 2 * min(left, len(is_left) - left) if balance_sides else len(is_left)


def keyed_hash(hand_ids: Int64Array, seed: int) -> npt.NDArray[np.uint64]:
    """A pseudo-random uint64 per hand, a function of ``seed`` and its hand_id; distinct ids stay distinct.

    The finaliser of SplitMix64 (Steele et al. 2014), a bijection, over the id mixed with the seed.
    """
    with np.errstate(over="ignore"):
        key = _mixed(np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64))
        return _mixed(hand_ids.astype(np.uint64) ^ key)


def _mixed(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _of_sources(files: list[KeypointsFile], settings: SetSettings) -> list[KeypointsFile]:
    if settings.sources == "all":
        return files
    known = sorted({file.source for file in files})
    missing = [source for source in settings.sources if source not in known]
    if missing:
        raise DataError(
            f"no keypoints of source(s) {', '.join(missing)}; there are some of: {', '.join(known)}"
        )
    return [file for file in files if file.source in settings.sources]


def _valid_hands(files: list[KeypointsFile]) -> pa.Table:
    """hand_id, video_id, side and file (index into ``files``) of all hands with valid keypoints."""
    columns = ["hand_id", "video_id", "side", "valid"]
    parts, total = [], 0
    for index, file in enumerate(files):
        table = read_table(file.path, "keypoints", columns)
        total += table.num_rows
        valid = table.filter(table["valid"]).drop_columns("valid").replace_schema_metadata()
        parts.append(valid.append_column("file", pa.array(np.full(valid.num_rows, index, np.int32))))
    if sum(part.num_rows for part in parts) == 0:
        raise DataError(
            f"no valid hands: {len(files)} keypoints file(s) hold {total} hands, none with valid keypoints; "
            "the status tables of crops and keypoints give the reason; add videos in which hands are seen"
        )
    return pa.concat_tables(parts)


def _is_left(candidates: pa.Table) -> npt.NDArray[np.bool_]:
    unknown = set(pc.unique(candidates["side"]).to_pylist()) - set(SIDES)
    if unknown:
        raise DataError(f"the keypoints files hold side {sorted(map(str, unknown))}, expected left or right")
    return pc.equal(candidates["side"], "left").to_numpy()


def _rows_by_source(candidates: pa.Table, files: list[KeypointsFile]) -> dict[str, Int64Array]:
    names = sorted({file.source for file in files})
    of_file = np.array([names.index(file.source) for file in files])
    of_hand = of_file[candidates["file"].to_numpy()]
    return {name: np.flatnonzero(of_hand == number) for number, name in enumerate(names)}


def _groups_of(video_ids: pa.ChunkedArray, groups_file: Path) -> pa.ChunkedArray:
    groups = read_table(groups_file, "groups")
    rows = pc.index_in(video_ids, value_set=groups["video_id"].combine_chunks())
    if rows.null_count:
        missing = pc.unique(video_ids.filter(pc.is_null(rows))).to_pylist()
        raise DataError(
            f"{groups_file} has no group for {len(missing)} video(s) with hands (first: {missing[0]}); "
            "run group_recordings again"
        )
    return groups["group_id"].take(rows)


def _crop_rows(
    run_dir: Path, files: list[KeypointsFile], file_index: npt.NDArray[np.int32], hand_ids: Int64Array
) -> Int64Array:
    """The row of each hand in its crops file."""
    rows = np.empty(len(hand_ids), np.int64)
    for index in np.unique(file_index):
        members = file_index == index
        path = run_dir / files[index].crop_file
        with PackedReader(path, "crops") as crops:
            stored = hand_ids_of(crops.table(["hand_id"]))
        rows[members] = rows_of(hand_ids[members], stored, str(path))
    return rows


def _counts(is_left: npt.NDArray[np.bool_]) -> str:
    left = int(np.count_nonzero(is_left))
    return f"{left} left and {len(is_left) - left} right hands"

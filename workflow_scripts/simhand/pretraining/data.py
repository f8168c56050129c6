"""The hands of a pre-training set: crops decoded once, keypoints, and mined positives."""

import logging
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.mining.sets import hand_ids_of, load_keypoints, load_set, rows_of
from simhand.settings.pretrain import PretrainSettings

UInt8Array = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]

OVERSAMPLING = 1.5
"""Crops are kept this much larger than views: a close view then still has a pixel for a pixel."""

log = logging.getLogger("simhand")


class HandSet(NamedTuple):
    """A pre-training set in memory, N hands in the order of its file.

    ``keypoints`` (N, 21, 2) in [0, 1] of the crop, ``source`` (N,) the number of each hand's source,
    ``anchors`` the rows to train on, ``positives`` (N,) the row of each hand's mined positive (-1
    where it has none), None without pairs.
    """

    crops: "Crops"
    keypoints: Float32Array
    source: Int64Array
    anchors: Int64Array
    positives: Int64Array | None


def load_hands(
    settings: PretrainSettings,
    run_dir: Path,
    set_file: Path,
    pairs_file: Path | None,
    top_k: int,
    threads: int,
) -> HandSet:
    """Load a set, with its positives of rank ``top_k`` if ``pairs_file`` is given.

    Raises:
        DataError: a file is missing or broken, or set, crops, keypoints and pairs do not belong together.
    """
    hands = load_set(set_file)
    hand_ids = hand_ids_of(hands)
    anchors, positives = np.arange(len(hand_ids)), None
    if pairs_file is not None:
        positives = load_positives(pairs_file, hand_ids, top_k)
        anchors = np.flatnonzero(positives >= 0)
        if alone := len(hand_ids) - len(anchors):
            log.warning("%d of %d hands are no anchors: no positive of rank %d", alone, len(hand_ids), top_k)
    source = hands["source"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    side_px = math.ceil(OVERSAMPLING * settings.image_size_px)
    crops = Crops(run_dir, hands, side_px, settings.memory_mb, threads)
    return HandSet(crops, load_keypoints(run_dir, hands), source, anchors, positives)


def load_positives(pairs_file: Path, hand_ids: Int64Array, top_k: int) -> Int64Array:
    """The row in ``hand_ids`` of each hand's positive of rank ``top_k``, -1 where it has none.

    Raises:
        DataError: the rank was not mined, or the pairs are of other hands.
    """
    pairs = read_table(pairs_file, "pairs", ["hand_id", "rank", "positive_hand_id"])
    of_rank = pairs.filter(pc.field("rank") == top_k)
    if of_rank.num_rows == 0:
        mined = sorted(pc.unique(pairs["rank"]).to_pylist())
        raise DataError(
            f"{pairs_file} holds no pair of rank {top_k}, only of {mined}; add it to `pairs.ranks`"
        )
    positives = np.full(len(hand_ids), -1, np.int64)
    where = f"the set that {pairs_file} was mined in"
    anchor_rows = rows_of(hand_ids_of(of_rank), hand_ids, where)
    positives[anchor_rows] = rows_of(hand_ids_of(of_rank, "positive_hand_id"), hand_ids, where)
    return positives


class Crops:
    """The crops of a set as uint8 images, in memory when they fit, else decoded whenever asked for.

    Crops larger than ``side_px`` are shrunk to it by area, so that the later bilinear warp to the
    view does not skip over pixels; smaller ones are kept if all are of one size.
    """

    def __init__(self, run_dir: Path, hands: pa.Table, side_px: int, memory_mb: int, threads: int) -> None:
        encoded = hands["crop_file"].combine_chunks().dictionary_encode()
        self._files = [Path(run_dir, name) for name in encoded.dictionary.to_pylist()]
        self._readers = [PackedReader(path, "crops") for path in self._files]
        self._file = encoded.indices.to_numpy()
        self._row = hands["crop_row"].to_numpy()
        self._check_hands(hand_ids_of(hands))
        self._pool = ThreadPoolExecutor(max(1, threads))
        self.side_px = min(side_px, len(self._decode_whole(0)))
        self._memory: UInt8Array | None = None
        if len(hands) * self.side_px**2 * 3 <= memory_mb * 2**20:
            self._memory = self._decode_all(range(len(hands)))

    def __len__(self) -> int:
        return len(self._row)

    def take(self, rows: Int64Array) -> UInt8Array:
        """The crops (M, side_px, side_px, 3), RGB, of ``rows``."""
        return self._memory[rows] if self._memory is not None else self._decode_all(rows.tolist())

    def _decode_all(self, rows: Sequence[int]) -> UInt8Array:
        images = np.empty((len(rows), self.side_px, self.side_px, 3), np.uint8)
        for place, image in enumerate(self._pool.map(self._decode, rows)):
            images[place] = image
        return images

    def _decode(self, row: int) -> UInt8Array:
        image = self._decode_whole(row)
        if image.shape[:2] == (self.side_px, self.side_px):
            return image
        shrinks = image.shape[0] > self.side_px
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(image, (self.side_px, self.side_px), interpolation=interpolation).astype(np.uint8)

    def _decode_whole(self, row: int) -> UInt8Array:
        encoded = np.frombuffer(self._readers[self._file[row]].image(int(self._row[row])), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
        if image is None:
            raise DataError(
                f"{self._files[self._file[row]]}, row {self._row[row]}: the crop is not a readable image; "
                "delete the file and run the crops stage again"
            )
        return np.ascontiguousarray(image[:, :, ::-1])

    def _check_hands(self, hand_ids: Int64Array) -> None:
        for number, (path, reader) in enumerate(zip(self._files, self._readers, strict=True)):
            members = self._file == number
            stored = hand_ids_of(reader.table(["hand_id"]))
            rows = self._row[members]
            if rows.max() >= len(stored) or not np.array_equal(stored[rows], hand_ids[members]):
                raise DataError(f"{path} is not the file that the set was sampled from; run sample_set again")

"""The hands of a pre-training set: crops, keypoints, and the positives of each."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.tables import read_table
from simhand.mining.sets import hand_ids_of, load_keypoints, load_set, rows_of
from simhand.pretraining.crops import Crops, Int64Array
from simhand.pretraining.released_augment import CROP_PX
from simhand.settings.pretrain import PretrainSettings

Float32Array = npt.NDArray[np.float32]

OVERSAMPLING = 1.5
"""Crops are kept this much larger than views: a close view then still has a pixel for a pixel."""

log = logging.getLogger("simhand")


class HandSet(NamedTuple):
    """A pre-training set in memory, N hands in the order of its file.

    ``keypoints`` (N, 21, 2) in [0, 1] of the crop, ``source`` (N,) the number of each hand's source,
    ``anchors`` the rows to train on, ``positives`` (N, P) the rows of each hand's P partners (-1
    where it lacks one), None without pairs.
    """

    crops: Crops
    keypoints: Float32Array
    source: Int64Array
    anchors: Int64Array
    positives: Int64Array | None


def load_hands(
    settings: PretrainSettings,
    run_dir: Path,
    set_file: Path,
    pairs_file: Path | None,
    ranks: Sequence[int],
    threads: int,
) -> HandSet:
    """Load a set, with its positives of ``ranks`` if ``pairs_file`` is given; anchors have all of them.

    Raises:
        DataError: a file is missing or broken, or set, crops, keypoints and pairs do not belong together.
    """
    hands = load_set(set_file)
    hand_ids = hand_ids_of(hands)
    anchors, positives = np.arange(len(hand_ids)), None
    if pairs_file is not None:
        positives = np.stack([load_positives(pairs_file, hand_ids, rank) for rank in ranks], axis=1)
        anchors = np.flatnonzero((positives >= 0).all(axis=1))
        if alone := len(hand_ids) - len(anchors):
            of_ranks = "rank " + ", ".join(map(str, ranks))
            log.warning("%d of %d hands are no anchors: no positive of %s", alone, len(hand_ids), of_ranks)
    source = hands["source"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    released = settings.augmentation == "release"
    side_px = CROP_PX if released else math.ceil(OVERSAMPLING * settings.image_size_px)
    crops = Crops(run_dir, hands, side_px, released, settings.memory_mb, threads)
    return HandSet(crops, load_keypoints(run_dir, hands), source, anchors, positives)


def load_positives(pairs_file: Path, hand_ids: Int64Array, rank: int) -> Int64Array:
    """The row in ``hand_ids`` of each hand's positive of ``rank``, -1 where it has none.

    Raises:
        DataError: the rank was not mined, or the pairs are of other hands.
    """
    pairs = read_table(pairs_file, "pairs", ["hand_id", "rank", "positive_hand_id"])
    of_rank = pairs.filter(pc.field("rank") == rank)
    if of_rank.num_rows == 0:
        mined = sorted(pc.unique(pairs["rank"]).to_pylist())
        raise DataError(
            f"{pairs_file} holds no pair of rank {rank}, only of {mined}; add it to `pairs.ranks` "
            "(a set of kind hand100m has only the ranks that its file gives)"
        )
    positives = np.full(len(hand_ids), -1, np.int64)
    where = f"the set that {pairs_file} was mined in"
    anchor_rows = rows_of(hand_ids_of(of_rank), hand_ids, where)
    positives[anchor_rows] = rows_of(hand_ids_of(of_rank, "positive_hand_id"), hand_ids, where)
    return positives

"""The hands of a set that are most similar to the hands of photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simhand.files.packed import PackedReader
from simhand.mining.sets import hand_ids_of, rows_of
from simhand.query.nearest import nearest_hands
from simhand.query.photos import PhotoHand
from simhand.query.queried_set import QueriedSet


@dataclass(frozen=True)
class Match:
    """A hand of the set that is similar to a hand of a photo.

    Attributes:
        rank: 1 = most similar.
        distance: in the pose embedding.
        hand: its row of the set.
        timestamp_s: of its frame.
        jpeg: its crop.
    """

    rank: int
    distance: float
    hand: dict[str, Any]
    timestamp_s: float
    jpeg: bytes


def find_matches(queried: QueriedSet, hands: Sequence[PhotoHand], count: int) -> list[list[Match]]:
    """The ``count`` most similar hands of the set for each of ``hands``, most similar first.

    A hand that has no keypoints, or no scale in them (see normalisation), has no matches.
    """
    found: list[list[Match]] = [[] for _ in hands]
    placed = [place for place, hand in enumerate(hands) if hand.keypoints is not None]
    if not placed:
        return found
    keypoints = np.stack([_flat(hands[place]) for place in placed])
    points, usable = queried.embedding.embed(keypoints)
    of_set = queried.hands
    for place, point in zip(np.array(placed)[usable], points[usable], strict=True):
        rows, distances = nearest_hands(point, of_set.points, of_set.hand_ids, count)
        found[place] = _matches(queried, of_set.hand_ids[rows], distances)
    return found


def _flat(hand: PhotoHand) -> np.ndarray:
    assert hand.keypoints is not None
    return hand.keypoints.points[:, :2]


def _matches(queried: QueriedSet, hand_ids: np.ndarray, distances: np.ndarray) -> list[Match]:
    mined = queried.mined
    rows = rows_of(hand_ids, hand_ids_of(mined.hands), f"sets/{mined.name}.parquet")
    found = []
    for rank, (row, distance) in enumerate(zip(rows, distances, strict=True), start=1):
        hand = mined.hand(int(row))
        with PackedReader(mined.run_dir / hand["crop_file"], "crops") as crops:
            crop = crops.row(hand["crop_row"])
        found.append(Match(rank, float(distance), hand, crop["timestamp_s"], crop["jpeg"]))
    return found

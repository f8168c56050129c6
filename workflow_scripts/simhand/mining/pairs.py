"""Mining of similar hands: for every hand of a set, its most similar hands in other recordings (Sec. 3.2)."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.errors import ConfigError, DataError
from simhand.files.tables import make_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.hubness import partner_statistics
from simhand.mining.neighbours import nearest_in_other_groups
from simhand.mining.search import (
    NO_NEIGHBOUR,
    Float64Array,
    Int32Array,
    Int64Array,
    Neighbours,
    Search,
    partner_counts,
)
from simhand.mining.sets import hand_ids_of
from simhand.settings.pairs import PairsSettings

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class EmbeddedHands:
    """The hands that take part in mining, ascending by hand_id.

    Attributes:
        hand_ids: int64 (N,).
        points: float64 (N, D) in the pose embedding.
        groups: int32 (N,) the recording.
        sources: int32 (N,) where the video comes from.
        left_out: how many hands of the set the embedding has no point for.
    """

    hand_ids: Int64Array
    points: Float64Array
    groups: Int32Array
    sources: Int32Array
    left_out: int


def embed_hands(
    hands: pa.Table, keypoints: npt.NDArray[np.floating], embedding: PoseEmbedding
) -> EmbeddedHands:
    """Hands of a set (table ``set``: hand_id, group_id, source) with keypoints (N, 21, 2) in its order.

    Raises:
        DataError: keypoints or the embedding's numbers are not finite.
    """
    points, usable = embedding.embed(keypoints)
    left_out = int(np.count_nonzero(~usable))
    if left_out:
        log.warning("%d of %d hands take no part: too small to scale", left_out, len(usable))
    if not np.isfinite(points[usable]).all():
        raise DataError("the pose embedding of some hands is not finite; run fit_pca again")
    columns = hand_ids_of(hands), points, _numbered(hands["group_id"]), _numbered(hands["source"])
    if left_out or not (np.diff(columns[0]) > 0).all():
        order = np.argsort(columns[0])
        order = order[usable[order]]
        hand_ids, points, groups, sources = (column[order] for column in columns)
    else:
        hand_ids, points, groups, sources = columns
    return EmbeddedHands(hand_ids, points, groups, sources, left_out)


def mine_pairs(
    hands: EmbeddedHands, settings: PairsSettings, search: Search, threads: int = 1
) -> tuple[pa.Table, dict[str, Any]]:
    """The pairs (table ``pairs``), ascending by hand_id, then rank, and how they were mined.

    Args:
        hands: where partners are looked for.
        settings: ranks, and whether partners must be of the same source.
        search: how they are searched for.
        threads: processor cores to use.

    Raises:
        DataError: no hand takes part, or none has a partner.
        ConfigError: no hand has as many partners as the highest rank asks for.
    """
    scopes = _scopes(hands, settings)
    partners = np.empty(len(hands.hand_ids), np.int64)
    for members in scopes:
        partners[members] = partner_counts(hands.groups[members])
    _check_ranks(partners, settings)
    missing = {rank: int(np.count_nonzero(partners < rank)) for rank in settings.ranks}
    for rank, count in missing.items():
        if count:
            log.warning("%d of %d hands have no partner of rank %d", count, len(partners), rank)
    found = _search(hands, scopes, settings.ranks, search, threads)
    largest_recording = int(np.bincount(hands.groups).max())
    equal = int(np.count_nonzero(found.distances[:, 0] == 0))
    _warn_of_odd_sets(len(partners), largest_recording, equal, settings.ranks[0])
    description: dict[str, Any] = {
        **settings.model_dump(include={"backend", "within", "ranks"}),
        "hands": len(partners),
        "left_out": hands.left_out,
        "largest_recording": largest_recording,
        "equal_partners": equal,
        "without_partner": {str(rank): count for rank, count in missing.items()},
        "partners": {
            str(rank): asdict(partner_statistics(rows[rows != NO_NEIGHBOUR], hands.groups))
            for rank, rows in zip(settings.ranks, found.rows.T, strict=True)
        },
    }
    if found.checked:
        recall = found.correct / found.checked
        description |= {"probes": settings.probes, "checked_pairs": found.checked, "recall": recall}
        log.warning("the search may miss hands: %.2f %% of %d pairs are right", 100 * recall, found.checked)
    return _as_table(hands.hand_ids, found, settings.ranks), description


def _numbered(names: pa.ChunkedArray) -> Int32Array:
    return names.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int32, copy=False)


def _scopes(hands: EmbeddedHands, settings: PairsSettings) -> list[Int64Array | slice]:
    """The rows of each part of the set within which partners are looked for."""
    if settings.within == "set":
        return [slice(None)]
    return [np.flatnonzero(hands.sources == source) for source in np.unique(hands.sources)]


def _check_ranks(partners: Int64Array, settings: PairsSettings) -> None:
    largest = int(partners.max(initial=0))
    if len(partners) == 0:
        raise DataError("no hand of the set takes part: all are too small to scale, see pca.min_palm_length")
    if largest == 0:
        raise DataError(
            f"none of the {len(partners)} hands has a partner in another recording of its {settings.within}: "
            "all are of one recording; add videos of other recordings (or look at groups.parquet, if they "
            "should not be one recording)"
        )
    if max(settings.ranks) > largest:
        raise ConfigError(
            f"pairs.ranks asks for rank {max(settings.ranks)}, but no hand has more than {largest} hands in "
            f"other recordings of its {settings.within}; set pairs.ranks to at most {largest} or use a "
            "larger set"
        )


def _warn_of_odd_sets(hands: int, largest_recording: int, equal: int, rank: int) -> None:
    if 2 * largest_recording > hands:
        log.warning(
            "one recording has %d of %d hands: their partners are all among the other %d",
            *(largest_recording, hands, hands - largest_recording),
        )
    if equal:
        log.warning(
            "%d of %d hands equal their partner of rank %d (distance 0): is a recording there twice? "
            "videos/near_duplicates.parquet and groups.groups_csv tell which are one",
            *(equal, hands, rank),
        )


def _search(
    hands: EmbeddedHands,
    scopes: list[Int64Array | slice],
    ranks: Sequence[int],
    search: Search,
    threads: int,
) -> Neighbours:
    """What is found within each of the ``scopes``, as rows of all hands."""
    every_row = np.arange(len(hands.hand_ids), dtype=np.int32)
    parts = []
    for members in scopes:
        points, groups = hands.points[members], hands.groups[members]
        found = nearest_in_other_groups(points, groups, hands.hand_ids[members], ranks, search, threads)
        found.rows[:] = np.where(found.rows == NO_NEIGHBOUR, NO_NEIGHBOUR, every_row[members][found.rows])
        parts.append(found)
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate([every_row[members] for members in scopes]))
    return Neighbours(
        np.concatenate([part.rows for part in parts])[order],
        np.concatenate([part.distances for part in parts])[order],
        sum(part.checked for part in parts),
        sum(part.correct for part in parts),
    )


def _as_table(hand_ids: Int64Array, found: Neighbours, ranks: Sequence[int]) -> pa.Table:
    rows, distances = found.rows.ravel(), found.distances.ravel()
    of_hand, of_rank = np.repeat(hand_ids, len(ranks)), np.tile(np.asarray(ranks, np.int32), len(hand_ids))
    there = rows != NO_NEIGHBOUR
    if not there.all():
        rows, distances, of_hand, of_rank = (column[there] for column in (rows, distances, of_hand, of_rank))
    return make_table(
        "pairs",
        {"hand_id": of_hand, "rank": of_rank, "positive_hand_id": hand_ids[rows], "distance": distances},
    )

"""Mining of similar hands: for every hand of a set, its most similar hands in other recordings (Sec. 3.2)."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.errors import ConfigError, DataError
from simhand.files.tables import make_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.neighbours import NO_NEIGHBOUR, nearest_in_other_groups
from simhand.mining.sets import Int64Array, hand_ids_of

log = logging.getLogger("simhand")


def mine_pairs(
    hands: pa.Table,
    keypoints: npt.NDArray[np.floating],
    embedding: PoseEmbedding,
    ranks: Sequence[int],
    threads: int = 1,
) -> pa.Table:
    """The pairs of a set (table ``pairs``), ascending by hand_id, then rank.

    Args:
        hands: table ``set``, N hands.
        keypoints: (N, 21, 2) of the hands, in the order of the set.
        embedding: the pose embedding; hands that it has no coordinates for take no part.
        ranks: which similar hands to keep, 1 = the most similar one of another recording.
        threads: processor cores to use.

    Raises:
        DataError: all hands are of one recording, or coordinates are not finite.
        ConfigError: no hand has as many partners as the highest rank asks for.
    """
    coordinates, usable = embedding.embed(keypoints)
    if not usable.all():
        excluded = np.count_nonzero(~usable)
        log.warning("%d of %d hands take no part: palm too short to scale by", excluded, len(usable))
    hand_ids, coordinates = hand_ids_of(hands)[usable], coordinates[usable]
    if not np.isfinite(coordinates).all():
        raise DataError("the pose embedding of some hands is not finite; run fit_pca again")
    groups = hands["group_id"].combine_chunks().dictionary_encode().indices.to_numpy()[usable]
    partners = partner_counts(groups)
    _check_ranks(partners, groups, ranks)
    found, squared = nearest_in_other_groups(coordinates, groups, hand_ids, ranks, threads)
    for rank in ranks:
        if missing := np.count_nonzero(partners < rank):
            log.warning(
                "%d hands have no partner of rank %d: their recording is most of the set", missing, rank
            )
    return _as_table(hand_ids, found, squared, ranks)


def partner_counts(groups: npt.NDArray[np.integer]) -> Int64Array:
    """How many hands of other groups each hand (N,) has."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return len(groups) - sizes[group]


def _check_ranks(partners: Int64Array, groups: npt.NDArray[np.integer], ranks: Sequence[int]) -> None:
    if len(np.unique(groups)) < 2:
        raise DataError(
            f"all {len(groups)} hands of the set are of one recording, so none has a partner in another; "
            "add videos of other recordings (or look at groups.parquet, if they should not be one recording)"
        )
    largest = int(partners.max())
    if max(ranks) > largest:
        raise ConfigError(
            f"pairs.ranks asks for rank {max(ranks)}, but no hand of this set has more than {largest} hands "
            f"in other recordings; set pairs.ranks to at most {largest} or use a larger set"
        )


def _as_table(
    hand_ids: Int64Array, found: Int64Array, squared: npt.NDArray[np.float64], ranks: Sequence[int]
) -> pa.Table:
    order = np.lexsort((np.tile(ranks, len(hand_ids)), np.repeat(hand_ids, len(ranks))))
    order = order[found.ravel()[order] != NO_NEIGHBOUR]
    return make_table(
        "pairs",
        {
            "hand_id": np.repeat(hand_ids, len(ranks))[order],
            "rank": np.tile(np.asarray(ranks, np.int32), len(hand_ids))[order],
            "positive_hand_id": hand_ids[found.ravel()[order]],
            "distance": np.sqrt(squared.ravel()[order]),
        },
    )

"""Nearest neighbours in other groups (Eq. 1), in whatever order the hands come."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simhand.mining.search import NO_NEIGHBOUR, Float64Array, Int64Array, Neighbours, Search


def nearest_in_other_groups(
    points: Float64Array,
    groups: npt.NDArray[np.integer],
    hand_ids: Int64Array,
    ranks: Sequence[int],
    search: Search,
    threads: int = 1,
) -> Neighbours:
    """The hands of the given ranks among all hands of other groups, for every hand.

    Hands are ranked by (distance, hand_id), so the answer of an exact search depends neither on the order
    of the hands nor on the number of threads.

    Args:
        points: (N, D) finite coordinates.
        groups: (N,) group of each hand.
        hand_ids: (N,) distinct.
        ranks: R ranks, ascending, 1 = nearest.
        search: how to search.
        threads: processor cores to use.
    """
    numbered = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    wanted = np.asarray(ranks, np.int64)
    if (np.diff(hand_ids) > 0).all():
        return search(points, numbered, wanted, threads)
    by_id = np.argsort(hand_ids)
    found = search(points[by_id], numbered[by_id], wanted, threads)
    rows, distances = np.empty_like(found.rows), np.empty_like(found.distances)
    rows[by_id] = np.where(found.rows == NO_NEIGHBOUR, NO_NEIGHBOUR, by_id[found.rows])
    distances[by_id] = found.distances
    return found._replace(rows=rows, distances=distances)

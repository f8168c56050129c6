"""Exact nearest neighbours in other groups (Eq. 1), by comparing every hand with every other."""

import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from tqdm import tqdm

from simhand.mining.sets import Int64Array

log = logging.getLogger("simhand")

Float64Array = npt.NDArray[np.float64]

# One block of distances per thread; selecting ranks takes as much again.
BLOCK_BYTES = 32 * 2**20
NO_NEIGHBOUR = -1


def nearest_in_other_groups(
    points: Float64Array,
    groups: npt.NDArray[np.integer],
    hand_ids: Int64Array,
    ranks: Sequence[int],
    threads: int = 1,
) -> tuple[Int64Array, Float64Array]:
    """The hands of the given ranks among all hands of other groups, for every hand.

    Squared Euclidean distances are sums of direct differences in float64; hands are ranked by (squared
    distance, hand_id). The answer does not depend on the order of rows or the number of threads.

    Args:
        points: (N, D) finite coordinates.
        groups: (N,) group of each hand.
        hand_ids: (N,) distinct.
        ranks: R ranks, 1 = nearest.
        threads: blocks of hands worked on at a time.

    Returns:
        Rows (N, R) of the neighbours, NO_NEIGHBOUR where there is none, and squared distances (N, R),
        infinite there.
    """
    # In the order of hand_id, the first of several equal distances is the one that ranks first.
    by_id = np.argsort(hand_ids)
    points, groups = np.ascontiguousarray(points[by_id]), groups[by_id]
    count = len(points)
    block = max(1, BLOCK_BYTES // (8 * max(1, count)))

    def search(start: int) -> tuple[Int64Array, Float64Array]:
        rows = slice(start, start + block)
        distances = cdist(points[rows], points, "sqeuclidean")
        distances[groups[rows, None] == groups] = np.inf
        return _select_ranks(distances, ranks)

    starts = range(0, count, block)
    found = np.full((count, len(ranks)), NO_NEIGHBOUR, np.int64)
    squared = np.full((count, len(ranks)), np.inf)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        quiet = not sys.stderr.isatty()
        blocks = tqdm(pool.map(search, starts), total=len(starts), desc="mining", disable=quiet)
        for number, (start, (columns, values)) in enumerate(zip(starts, blocks, strict=True), 1):
            hands = by_id[start : start + block]
            found[hands] = np.where(columns == NO_NEIGHBOUR, NO_NEIGHBOUR, by_id[columns])
            squared[hands] = values
            if number % max(1, len(starts) // 10) == 0:
                log.info("mined %d of %d hands", min(number * block, count), count)
    return found, squared


def _select_ranks(distances: Float64Array, ranks: Sequence[int]) -> tuple[Int64Array, Float64Array]:
    """Columns (Q, R) and values (Q, R) at ``ranks`` of each row of ``distances`` (Q, N); inf: none."""
    columns = np.full((len(distances), len(ranks)), NO_NEIGHBOUR, np.int64)
    deepest = min(max(ranks), distances.shape[1])
    if deepest == 1:
        ordered = distances.argmin(axis=1)[:, None]
        columns = np.where(np.isfinite(np.take_along_axis(distances, ordered, axis=1)), ordered, NO_NEIGHBOUR)
    else:
        limits = np.partition(distances, deepest - 1, axis=1)[:, deepest - 1]
        for row, limit in enumerate(limits):
            near = np.flatnonzero((distances[row] <= limit) & np.isfinite(distances[row]))
            near = near[np.argsort(distances[row, near], kind="stable")]
            for position, rank in enumerate(ranks):
                if rank <= len(near):
                    columns[row, position] = near[rank - 1]
    values = np.take_along_axis(distances, np.maximum(columns, 0), axis=1)
    return columns, np.where(columns == NO_NEIGHBOUR, np.inf, values)

"""The project's exact search: a KD-tree, walked hand by hand, with the recording test in its leaves."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from simhand.mining.lanes import LANES, lowest_bit, squared_box_distances, squared_distances
from simhand.mining.search import (
    NO_NEIGHBOUR,
    Float64Array,
    Int32Array,
    Int64Array,
    Neighbours,
    report_progress,
)
from simhand.mining.selection import select_smallest
from simhand.mining.tree import NO_ROW, HandTree, build_tree, kd_order

# Hands that a thread searches for at a time.
BLOCK = 2048
# What is absent lies infinitely far away; everything else lies within this squared distance.
LARGEST = float(np.finfo(np.float64).max)
# A walk has fewer than LANES nodes waiting per level, and eight levels hold more hands than int32 counts.
MOST_WAITING = 8 * LANES


def search_by_tree(
    points: Float64Array,
    groups: Int32Array,
    ranks: Int64Array,
    threads: int,
    only: Int64Array | None = None,
) -> Neighbours:
    """Exact :data:`simhand.mining.search.Search`; for the rows ``only`` if they are given.

    Hands of a group that holds more than half of all hands are searched for in a tree without it: in the
    whole tree they would pass by mostly their own.

    Numba compiles this anew in every process, which takes seconds: jobs on unlike processors that share a
    folder could mix up each other's machine code in numba's cache on disk.
    """
    rows = np.full((len(points), len(ranks)), NO_NEIGHBOUR, np.int32)
    distances = np.full((len(points), len(ranks)), np.inf)
    wanted = np.ones(len(points), bool)
    if only is not None:
        wanted[:] = False
        wanted[only] = True
    dominant = groups == np.bincount(groups).argmax()
    if 2 * np.count_nonzero(dominant) <= len(points):
        dominant[:] = False

    others = np.flatnonzero(~dominant).astype(np.int32)
    queries = np.flatnonzero(wanted & dominant)
    if len(queries) and len(others):
        tree = build_tree(points[others], groups[others])
        ordered = queries[kd_order(points[queries])]
        _search_rows(tree, points, groups, ordered, ranks, threads, rows, distances)
        found = rows[queries]
        rows[queries] = np.where(found == NO_NEIGHBOUR, NO_NEIGHBOUR, others[found])

    wanted &= ~dominant
    if wanted.any():
        tree = build_tree(points, groups)
        ordered = tree.rows[: len(points)]
        ordered = ordered[wanted[ordered]]
        _search_rows(tree, points, groups, ordered, ranks, threads, rows, distances)
    return Neighbours(rows, distances) if only is None else Neighbours(rows[only], distances[only])


def _search_rows(
    tree: HandTree,
    points: Float64Array,
    groups: Int32Array,
    queries: Int64Array | Int32Array,
    ranks: Int64Array,
    threads: int,
    rows: Int32Array,
    distances: Float64Array,
) -> None:
    """Search the tree for the hands ``queries`` and fill their ``rows`` and ``distances``.

    Queries that lie close to each other should come one after the other: they walk the same nodes.
    """

    def search(start: int) -> int:
        block = queries[start : start + BLOCK]
        found = np.empty((len(block), len(ranks)), np.int32)
        at = np.empty((len(block), len(ranks)))
        _walk(tree, points[block], groups[block], ranks, found, at)
        rows[block], distances[block] = found, at
        return len(block)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        searched = pool.map(search, range(0, len(queries), BLOCK))
        deque(report_progress(searched, len(queries)), maxlen=0)


@njit(nogil=True)
def _walk(
    tree: HandTree,
    queries: Float64Array,
    query_groups: Int32Array,
    ranks: Int64Array,
    rows: Int32Array,
    distances: Float64Array,
) -> None:
    """Fill ``rows`` and ``distances`` (Q, R) with what the queries (Q, D) of ``query_groups`` find.

    The nearest hands so far lie unsorted in a buffer of twice the deepest rank K. When it is full, the K
    nearest stay, and the farthest of them bounds what is still of interest.
    """
    leaves = len(tree.rows) // LANES
    deepest = ranks[-1]
    near, near_rows = np.empty(2 * deepest), np.empty(2 * deepest, np.int32)
    lanes, children = np.empty(LANES), np.empty(LANES, np.int64)
    waiting, bounds = np.empty(MOST_WAITING, np.int64), np.empty(MOST_WAITING)
    for number in range(len(queries)):
        query, group = queries[number], query_groups[number]
        found = 0
        worst, worst_row, limit = np.inf, np.int32(NO_ROW), LARGEST
        waiting[0], bounds[0] = leaves + len(tree.first_child) - 1, 0.0
        top = 1
        while top:
            top -= 1
            node = waiting[top]
            if bounds[top] > limit:
                continue
            if node < leaves:
                bits: np.uint64 = squared_distances(tree.points, node, query, limit, lanes)  # type: ignore[call-arg]
                while bits:
                    lane = lowest_bit(bits)
                    bits &= bits - np.uint64(1)
                    slot = node * LANES + lane
                    if tree.groups[slot] == group:
                        continue
                    distance, row = np.sqrt(lanes[lane]), tree.rows[slot]
                    if distance > worst or (distance == worst and row > worst_row):
                        continue
                    near[found], near_rows[found] = distance, row
                    found += 1
                    if found == deepest or found == 2 * deepest:
                        select_smallest(near[:found], near_rows[:found], deepest)
                        found = deepest
                        worst, worst_row = near[deepest - 1], near_rows[deepest - 1]
                        limit = _squared_limit(worst)
                continue
            inner = node - leaves
            lowest_rows = tree.lowest_rows[inner]
            bits = squared_box_distances(tree.low, tree.high, inner, query, limit, lanes)  # type: ignore[call-arg]
            count = 0
            while bits:
                lane = lowest_bit(bits)
                bits &= bits - np.uint64(1)
                if tree.labels[inner, lane] == group:
                    continue
                # A box that begins at the worst distance matters only if it holds a lower row.
                if lowest_rows[lane] > worst_row and np.sqrt(lanes[lane]) >= worst:
                    continue
                place = count
                while place and _comes_later(lanes, lowest_rows, lane, children[place - 1]):
                    children[place] = children[place - 1]
                    place -= 1
                children[place] = lane
                count += 1
            # The nearest child waits on top.
            for place in range(count):
                waiting[top] = tree.first_child[inner] + children[place]
                bounds[top] = lanes[children[place]]
                top += 1
        for place in range(len(ranks) - 1, -1, -1):
            rank = ranks[place]
            if rank > found:
                rows[number, place], distances[number, place] = NO_NEIGHBOUR, np.inf
                continue
            select_smallest(near[:found], near_rows[:found], rank)
            rows[number, place], distances[number, place] = near_rows[rank - 1], near[rank - 1]
            found = rank


@njit(nogil=True)
def _comes_later(bounds: Float64Array, lowest_rows: Int32Array, a: int, b: int) -> bool:
    """Whether child ``a`` is to be visited after child ``b``."""
    return bounds[a] > bounds[b] or (bounds[a] == bounds[b] and lowest_rows[a] > lowest_rows[b])


@njit(nogil=True)
def _squared_limit(distance: float) -> float:
    """No less than any squared distance whose square root rounds to ``distance`` or less."""
    return min(distance * distance * (1 + 2.0**-50) + 1e-300, LARGEST)

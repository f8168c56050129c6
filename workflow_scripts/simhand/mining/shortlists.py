"""Exact answers from a library that searches in float32: shortlists, ranked again in float64.

A library gives some nearest hands by its own, rounded distances. All of them are measured again in float64.
Rounding can have cost a hand its place on the list only if that hand's rounded distance lies beyond the
list's last one; so when the last one is farther than the hand of the deepest rank could ever seem, the
answer is certain. Where it is not (or the list holds too few hands of other groups), a longer list is asked
for, and in the end every hand is looked at.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simhand.mining.search import (
    NO_NEIGHBOUR,
    Float64Array,
    Int32Array,
    Int64Array,
    Neighbours,
    exact_distances,
    partner_counts,
    report_progress,
)

# Hands measured again at a time: their coordinates in float64 must fit into memory.
CANDIDATES_AT_ONCE = 2**19
LONGER = 4
FLOAT32_ROUNDING = 2.0**-24
# Far above what float32 loses near zero, far below a distance that matters: the unit is the whole set.
FLOAT32_UNDERFLOW = 1e-30

Shortlist = Callable[[Int64Array, int], tuple[Int64Array, Float64Array]]
"""(rows (Q,), size) -> rows (Q, size) of the nearest hands to each, NO_NEIGHBOUR for none, and (Q,) the
squared float32 distance that no hand left out lies within."""


class Float32Points(NamedTuple):
    """Points moved to the middle of their box and scaled by a power of two into [-1, 1].

    coordinates: float32 (N, D). norms: float64 (N,). unit: length of 1 in the original coordinates.
    """

    coordinates: npt.NDArray[np.float32]
    norms: Float64Array
    unit: float

    def farthest_seeming(self, rows: Int64Array, distances: Float64Array) -> Float64Array:
        """No hand within ``distances`` (Q,) of ``rows`` seems farther than this, squared, in float32.

        Holds for sums of squared differences and for |a|² + |b|² - 2ab, in any order of summation, fused or
        not. Such a sum of D terms is off by at most about 2 D roundings of (|a| + |b|)² (Higham, Accuracy
        and Stability of Numerical Algorithms, section 3.1), storing a and b in float32 by two more.
        """
        away = distances / self.unit
        reach = 2 * self.norms[rows] + away
        rounding = (4 * self.coordinates.shape[1] + 48) * FLOAT32_ROUNDING * reach**2
        return away**2 + rounding + FLOAT32_UNDERFLOW


def to_float32(points: Float64Array) -> Float32Points:
    """``points`` (N, D) for a library that works in float32."""
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    largest = np.abs(centred).max()
    unit = 2.0 ** np.ceil(np.log2(largest)) if largest > 0 else 1.0
    centred /= unit
    return Float32Points(centred.astype(np.float32), np.linalg.norm(centred, axis=1), unit)


def search_shortlists(
    points: Float64Array,
    groups: Int32Array,
    ranks: Int64Array,
    shortlist: Shortlist,
    certain: Callable[[Int64Array, Float64Array, Float64Array], npt.NDArray[np.bool_]],
    size: int,
) -> Neighbours:
    """The hands of ``ranks`` in other groups, from shortlists of ``size`` hands and longer ones.

    Args:
        points: float64 (N, D).
        groups: int32 (N,).
        ranks: int64 (R,), ascending.
        shortlist: gives the shortlists.
        certain: (rows, distance of the deepest rank, the shortlist's limit) -> which answers stand.
        size: length of the first shortlists, at least the deepest rank.
    """
    found = Neighbours(
        np.full((len(points), len(ranks)), NO_NEIGHBOUR, np.int32), np.full((len(points), len(ranks)), np.inf)
    )
    needed = np.minimum(partner_counts(groups), ranks[-1])

    def search() -> Iterator[int]:
        # Hands of one group together: a search that masks groups then has few of them at a time.
        by_group = np.argsort(groups, kind="stable")
        pending, length = by_group[needed[by_group] > 0], size
        yield len(points) - len(pending)
        while len(pending) and length < len(points):
            open_rows = []
            block = max(1, CANDIDATES_AT_ONCE // length)
            for start in range(0, len(pending), block):
                rows = pending[start : start + block]
                candidates, limit = shortlist(rows, length)
                near_rows, near = _rank(points, groups, rows, candidates)
                last = near[np.arange(len(rows)), needed[rows] - 1]
                done = np.isfinite(last) & certain(rows, last, limit)
                _keep(found, rows[done], near_rows[done], near[done], ranks, needed)
                open_rows.append(rows[~done])
                yield np.count_nonzero(done)
            pending, length = np.concatenate(open_rows), LONGER * length
        block = max(1, CANDIDATES_AT_ONCE // len(points))
        everyone = np.arange(len(points))
        for start in range(0, len(pending), block):
            rows = pending[start : start + block]
            near_rows, near = _rank(points, groups, rows, np.tile(everyone, (len(rows), 1)))
            _keep(found, rows, near_rows, near, ranks, needed)
            yield len(rows)

    deque(report_progress(search(), len(points)), maxlen=0)
    return found


def _rank(
    points: Float64Array, groups: Int32Array, rows: Int64Array, candidates: Int64Array
) -> tuple[Int64Array, Float64Array]:
    """``candidates`` (Q, M) of ``rows`` (Q,) by (distance, row), and their distances, infinite for none."""
    distances = exact_distances(points[rows], points[candidates])
    absent = (candidates == NO_NEIGHBOUR) | (groups[candidates] == groups[rows][:, None])
    distances[absent] = np.inf
    order = np.lexsort((candidates, distances), axis=1)
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _keep(
    found: Neighbours,
    rows: Int64Array,
    near_rows: Int64Array,
    near: Float64Array,
    ranks: Int64Array,
    needed: Int64Array,
) -> None:
    """Write the hands of ``ranks`` among the ranked ``near_rows`` (Q, M) of ``rows`` to ``found``."""
    for place, rank in enumerate(ranks):
        there = np.flatnonzero(needed[rows] >= rank)
        if len(there):
            found.rows[rows[there], place] = near_rows[there, rank - 1]
            found.distances[rows[there], place] = near[there, rank - 1]

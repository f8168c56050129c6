"""What every search for similar hands has in common: its form, and what distance means."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

log = logging.getLogger("simhand")

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]

NO_NEIGHBOUR = -1


class Neighbours(NamedTuple):
    """What a search found for N hands at R ranks.

    rows: int32 (N, R), NO_NEIGHBOUR where a hand has fewer others. distances: float64 (N, R), infinite there.
    checked, correct: for a search that may miss, how many of its answers were compared with an exact
    search, and how many of these were right; an exact search leaves both zero.
    """

    rows: Int32Array
    distances: Float64Array
    checked: int = 0
    correct: int = 0


Search = Callable[[Float64Array, Int32Array, Int64Array, int], Neighbours]
"""(points, groups, ranks, threads) -> for every hand, the hands of these ranks among all other groups.

points: float64 (N, D), finite. groups: int32 (N,), none negative. ranks: int64 (R,), ascending, 1 = nearest.

The distance of two hands is the square root of the sum of their squared differences, added coordinate by
coordinate, every operation rounded to float64. Hands are ranked by (distance, row). An exact search gives
the same bits as a loop over all hands would.
"""


def exact_distances(points: Float64Array, others: Float64Array) -> Float64Array:
    """The distances (Q, M), as defined above, of points (Q, D) to ``others`` (Q, M, D) or (M, D)."""
    total = np.zeros(np.broadcast_shapes((len(points), 1), others.shape[:-1]))
    for axis in range(points.shape[1]):
        difference = points[:, axis, None] - others[..., axis]
        difference *= difference
        total += difference
    return np.sqrt(total, out=total)


def partner_counts(groups: Int32Array) -> Int64Array:
    """How many hands of other groups each hand (N,) has."""
    return len(groups) - np.bincount(groups)[groups]


def report_progress(searched: Iterable[int], count: int) -> Iterator[int]:
    """Pass on ``searched``, the hands of each block that is done, and say how many of ``count`` are."""
    done, next_message = 0, count / 10
    with tqdm(total=count, desc="mining", unit=" hands", disable=not sys.stderr.isatty()) as bar:
        for hands in searched:
            bar.update(hands)
            done += hands
            if done >= next_message:
                log.info("searched for the partners of %d of %d hands", done, count)
                next_message = done + count / 10
            yield hands

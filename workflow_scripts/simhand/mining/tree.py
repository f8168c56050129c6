"""A KD-tree over hands whose every node knows what a search needs to pass it by."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simhand.mining.lanes import LANES
from simhand.mining.search import Float64Array, Int32Array
from simhand.mining.selection import select_smallest

MIXED = -1
NO_ROW = np.iinfo(np.int32).max
# Ranges that wait to be cut: one per level of halving, and int32 counts to 2**31.
MOST_PENDING = 64


class HandTree(NamedTuple):
    """A packed tree: every leaf holds ``LANES`` hands and every node ``LANES`` children, but the last ones.

    Leaf b holds slots b * LANES to (b + 1) * LANES - 1. Nodes are numbered level by level from the leaves
    (0 to leaves - 1) up to the root, the last one. Node leaves + k is inner node k, and its child j is
    node first_child[k] + j. Slots and children that are absent lie infinitely far away.

    Attributes:
        points: (leaves * D * LANES,) coordinates, laid out as lanes.py says.
        rows: (slots,) row of the hand in each slot.
        groups: (slots,) its group.
        low, high: (inner * D * LANES,) corners of the boxes around the children of inner nodes.
        labels: (inner, LANES) the group of all hands below a child if they are of one, else MIXED.
        lowest_rows: (inner, LANES) the lowest row below a child.
        first_child: (inner,) int64.
    """

    points: Float64Array
    rows: Int32Array
    groups: Int32Array
    low: Float64Array
    high: Float64Array
    labels: Int32Array
    lowest_rows: Int32Array
    first_child: npt.NDArray[np.int64]


def build_tree(points: Float64Array, groups: Int32Array) -> HandTree:
    """The tree of points (N, D), N > 0, of ``groups`` (N,), none of them negative."""
    count, dimensions = points.shape
    leaves = -(-count // LANES)
    rows = np.full(leaves * LANES, NO_ROW, np.int32)
    rows[:count] = kd_order(points)
    slot_groups = np.full(leaves * LANES, MIXED, np.int32)
    slot_groups[:count] = groups[rows[:count]]
    blocks = np.full((leaves, dimensions, LANES), np.inf)
    low, high = np.full((leaves, dimensions), np.inf), np.full((leaves, dimensions), -np.inf)
    _fill_leaves(points, rows[:count], blocks, low, high)
    return HandTree(blocks.ravel(), rows, slot_groups, *_inner_nodes(low, high, rows, slot_groups))


def _inner_nodes(
    low: Float64Array, high: Float64Array, rows: Int32Array, slot_groups: Int32Array
) -> tuple[Float64Array, Float64Array, Int32Array, Int32Array, npt.NDArray[np.int64]]:
    """The inner nodes above leaves with boxes ``low`` and ``high`` (leaves, D), level by level."""
    lowest = rows.reshape(-1, LANES)
    labels = _shared_label(slot_groups.reshape(-1, LANES), lowest == NO_ROW)
    lowest = lowest.min(axis=1)
    low_parts, high_parts, label_parts, lowest_parts, child_parts = [], [], [], [], []
    below = 0
    while True:
        children, parents = len(low), -(-len(low) // LANES)
        absent = parents * LANES - children
        low = np.pad(low, ((0, absent), (0, 0)), constant_values=np.inf).reshape(parents, LANES, -1)
        high = np.pad(high, ((0, absent), (0, 0)), constant_values=-np.inf).reshape(parents, LANES, -1)
        labels = np.pad(labels, (0, absent), constant_values=MIXED).reshape(parents, LANES)
        lowest = np.pad(lowest, (0, absent), constant_values=NO_ROW).reshape(parents, LANES)
        low_parts.append(low.transpose(0, 2, 1).ravel())
        high_parts.append(high.transpose(0, 2, 1).ravel())
        label_parts.append(labels)
        lowest_parts.append(lowest)
        child_parts.append(below + LANES * np.arange(parents))
        if parents == 1:
            break
        below += children
        labels = _shared_label(labels, lowest == NO_ROW)
        low, high, lowest = low.min(axis=1), high.max(axis=1), lowest.min(axis=1)
    return (
        np.concatenate(low_parts),
        np.concatenate(high_parts),
        np.concatenate(label_parts),
        np.concatenate(lowest_parts),
        np.concatenate(child_parts),
    )


def _shared_label(labels: Int32Array, absent: npt.NDArray[np.bool_]) -> Int32Array:
    """The label (n,) that all present entries of a row of ``labels`` (n, LANES) share, else MIXED."""
    return np.where(((labels == labels[:, :1]) | absent).all(axis=1), labels[:, 0], np.int32(MIXED))


@njit(nogil=True)
def kd_order(points: Float64Array) -> Int32Array:
    """Rows of ``points`` (N, D) in the order of the leaves of a packed KD-tree.

    A range of rows is cut across its widest side, where whole subtrees lie left of the cut. Cuts go by
    position, so that equal points are no harder than others.
    """
    count, dimensions = points.shape
    order = np.empty(count, np.int32)
    for row in range(count):
        order[row] = row
    keys = np.empty(count)
    starts, stops = np.empty(MOST_PENDING, np.int64), np.empty(MOST_PENDING, np.int64)
    starts[0], stops[0] = 0, count
    pending = 1
    while pending:
        pending -= 1
        start, stop = starts[pending], stops[pending]
        if stop - start <= LANES:
            continue
        capacity = LANES
        while capacity * LANES < stop - start:
            capacity *= LANES
        children = (stop - start + capacity - 1) // capacity
        cut = start + capacity * (children // 2)
        axis = _widest_axis(points, order[start:stop])
        for place in range(start, stop):
            keys[place] = points[order[place], axis]
        select_smallest(keys[start:stop], order[start:stop], cut - start)
        starts[pending], stops[pending] = start, cut
        starts[pending + 1], stops[pending + 1] = cut, stop
        pending += 2
    return order


@njit(nogil=True)
def _widest_axis(points: Float64Array, rows: Int32Array) -> int:
    """The coordinate in which ``rows`` of ``points`` (N, D) lie farthest apart; the first on a tie."""
    dimensions = points.shape[1]
    low, high = np.empty(dimensions), np.empty(dimensions)
    for axis in range(dimensions):
        low[axis] = high[axis] = points[rows[0], axis]
    for row in rows:
        for axis in range(dimensions):
            low[axis] = min(low[axis], points[row, axis])
            high[axis] = max(high[axis], points[row, axis])
    widest = 0
    for axis in range(dimensions):
        if high[axis] - low[axis] > high[widest] - low[widest]:
            widest = axis
    return widest


@njit(nogil=True)
def _fill_leaves(
    points: Float64Array, rows: Int32Array, blocks: Float64Array, low: Float64Array, high: Float64Array
) -> None:
    """Put the points of ``rows`` into ``blocks`` (leaves, D, LANES) and their corners into low and high."""
    for slot in range(len(rows)):
        leaf, lane = slot // LANES, slot % LANES
        for axis in range(points.shape[1]):
            value = points[rows[slot], axis]
            blocks[leaf, axis, lane] = value
            low[leaf, axis] = min(low[leaf, axis], value)
            high[leaf, axis] = max(high[leaf, axis], value)

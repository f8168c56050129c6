"""How good mined partners are where the truth is known: the true poses of hands, or what clips show.

Every measure is a matrix (Q, N) of what each of Q hands would get with each of N hands as its partner, NaN
for hands of its own recording. Beside the mined partner stand the best possible one and a random one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.mining.pairs import embed_hands, mine_pairs
from simhand.mining.pca import fit_embedding
from simhand.mining.search import NO_NEIGHBOUR, Float64Array, Int64Array
from simhand.mining.sets import hand_ids_of
from simhand.mining.tree_search import search_by_tree
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings

MM_PER_M = 1000.0

Alignment = Callable[[Float64Array, Float64Array], Float64Array]
"""(true joints (N, 21, 3), others) -> the others laid over the true ones; see simhand.evaluation."""


class PartnerQuality(NamedTuple):
    """Means over ``hands`` hands of what they get with their mined, their best and a random partner."""

    hands: int
    mined: float
    best: float
    random: float

    @property
    def share_lost(self) -> float:
        """0 where mined partners are the best possible, 1 where they are no better than random ones."""
        return (self.mined - self.best) / (self.random - self.best)


def mined_partners(
    hands: pa.Table, keypoints: npt.NDArray[np.floating], settings: PcaSettings, threads: int = 1
) -> Int64Array:
    """The row (N,) of each hand's most similar hand of another recording, NO_NEIGHBOUR for none.

    Args:
        hands: table ``set``.
        keypoints: (N, 21, 2) in the order of ``hands``.
        settings: of the pose embedding, which is fitted to these hands.
        threads: processor cores to use.

    Raises:
        DataError, ConfigError: as the stages ``fit_pca`` and ``mine_pairs``.
    """
    embedding, _ = fit_embedding(keypoints, settings)
    embedded = embed_hands(hands, keypoints, embedding)
    pairs, _ = mine_pairs(embedded, PairsSettings(), search_by_tree, threads)
    hand_ids = hand_ids_of(hands)
    order = np.argsort(hand_ids)
    rows = np.full(len(hand_ids), NO_NEIGHBOUR)
    of_hand, of_partner = (
        order[np.searchsorted(hand_ids, hand_ids_of(pairs, column), sorter=order)]
        for column in ("hand_id", "positive_hand_id")
    )
    rows[of_hand] = of_partner
    return rows


def pose_errors_mm(
    joints_m: Float64Array, groups: npt.NDArray[np.integer], queries: Int64Array, align: Alignment
) -> Float64Array:
    """Mean distance (Q, N) of corresponding joints of each query and each hand in mm.

    Args:
        joints_m: (N, 21, 3) true joints in metres, as a camera sees them; left hands mirrored.
        groups: (N,) recording of each hand.
        queries: (Q,) rows.
        align: ``wrist_aligned`` lets rotation and size count, ``procrustes_rotation`` neither.
    """
    errors = np.empty((len(queries), len(joints_m)))
    for number, query in enumerate(queries):
        true = np.broadcast_to(joints_m[query], joints_m.shape)
        errors[number] = MM_PER_M * np.linalg.norm(align(true, joints_m) - true, axis=-1).mean(axis=-1)
    return _of_others(errors, groups, queries)


def same_label(
    labels: npt.NDArray[np.str_], groups: npt.NDArray[np.integer], queries: Int64Array
) -> Float64Array:
    """1 where a query and a hand have the same label, else 0, as (Q, N)."""
    return _of_others((labels[queries, None] == labels).astype(np.float64), groups, queries)


def partner_quality(
    values: Float64Array,
    queries: Int64Array,
    partners: Int64Array,
    best: Callable[..., Float64Array] = np.nanmin,
) -> PartnerQuality:
    """What the queries that have a partner get, of a measure ``values`` (Q, N).

    Args:
        values: see above.
        queries: (Q,) rows.
        partners: (N,) row of each hand's partner, NO_NEIGHBOUR for none.
        best: ``np.nanmin`` for errors, ``np.nanmax`` for what should be large.
    """
    with_partner = partners[queries] != NO_NEIGHBOUR
    values, mined = values[with_partner], partners[queries[with_partner]]
    return PartnerQuality(
        hands=len(values),
        mined=float(values[np.arange(len(values)), mined].mean()),
        best=float(best(values, axis=1).mean()),
        random=float(np.nanmean(values, axis=1).mean()),
    )


def one_per_frame(frames: npt.NDArray[np.generic], keys: npt.NDArray[np.number]) -> Int64Array:
    """The rows, ascending, of the hand with the smallest key in each frame; the first on a tie.

    Args:
        frames: (N,) which frame a hand is seen in.
        keys: (N,) such as the height of its wrist.
    """
    order = np.lexsort((keys, frames))
    return np.sort(order[np.unique(frames[order], return_index=True)[1]])


def _of_others(values: Float64Array, groups: npt.NDArray[np.integer], queries: Int64Array) -> Float64Array:
    return np.where(groups[queries, None] == groups, np.nan, values)

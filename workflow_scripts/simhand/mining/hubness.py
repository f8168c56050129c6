"""Who serves as a partner, and how often: the diversity of the pairs of one rank, and its hubs."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.mining.sets import Int64Array, hand_ids_of, rows_of

TOP_SHARE = 0.01


@dataclass(frozen=True)
class PartnerStatistics:
    """How the partners of one rank are spread over the hands of a set.

    Attributes:
        pairs: hands that have a partner of this rank.
        recordings: of all hands that take part.
        partner_recordings: recordings that some partner is of.
        partner_hands: different hands that serve as a partner.
        partner_share: those as a share of all hands.
        most_occurrences: how many hands have the same partner at most.
        skewness: of the number of hands that a hand serves, over all hands (the k-occurrence of
            Radovanovic, Nanopoulos and Ivanovic, JMLR 11, 2010, counted at this rank alone); None if every
            hand serves equally often. 0 is even, a large number means that few hands serve many.
        top_share: share of the pairs whose partner is among the 1 % of hands (at least one) that serve most.
    """

    pairs: int
    recordings: int
    partner_recordings: int
    partner_hands: int
    partner_share: float
    most_occurrences: int
    skewness: float | None
    top_share: float


def partner_statistics(
    partners: npt.NDArray[np.integer], groups: npt.NDArray[np.integer]
) -> PartnerStatistics:
    """Statistics of one rank; costs one pass over the pairs and one over the hands.

    Args:
        partners: (P,), at least one: the row of each pair's partner among the hands.
        groups: (N,) recording of each hand, numbered from 0.
    """
    served = np.bincount(partners, minlength=len(groups))
    serving = np.flatnonzero(served)
    top = max(1, int(TOP_SHARE * len(served)))
    most = np.partition(served, len(served) - top)[len(served) - top :]
    return PartnerStatistics(
        pairs=len(partners),
        recordings=int(np.count_nonzero(np.bincount(groups))),
        partner_recordings=int(np.count_nonzero(np.bincount(groups[serving]))),
        partner_hands=len(serving),
        partner_share=len(serving) / len(served),
        most_occurrences=int(served.max()),
        skewness=_skewness(served),
        top_share=float(most.sum() / len(partners)),
    )


def describe_given_pairs(hands: pa.Table, pairs: pa.Table) -> dict[str, Any]:
    """What ``pairs/<set>.json`` says of pairs that were not mined: hands without a partner, and statistics.

    Args:
        hands: table ``set``.
        pairs: table ``pairs`` of hands of this set.

    Raises:
        DataError: a partner is not in the set.
    """
    groups = hands["group_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    hand_ids: Int64Array = hand_ids_of(hands)
    missing, partners = {}, {}
    for rank in sorted(pc.unique(pairs["rank"]).to_pylist()):
        found = pairs.filter(pc.equal(pairs["rank"], rank))
        rows = rows_of(hand_ids_of(found, "positive_hand_id"), hand_ids, "the set")
        missing[str(rank)] = len(hand_ids) - len(rows)
        partners[str(rank)] = asdict(partner_statistics(rows, groups))
    return {"hands": len(hand_ids), "without_partner": missing, "partners": partners}


def _skewness(counts: npt.NDArray[np.integer]) -> float | None:
    """Third standardised moment E[(n - mean)³] / sd³ of ``counts``; None where they do not vary."""
    away = counts - counts.mean()
    deviation = np.sqrt(np.mean(away**2))
    return float(np.mean(away**3) / deviation**3) if deviation > 0 else None

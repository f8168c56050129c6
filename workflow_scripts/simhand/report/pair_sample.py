"""Which of many pairs are shown: spread over distances and recordings, chosen by rule and not by hand."""

import numpy as np
import numpy.typing as npt

from simhand.mining.sets import Int64Array
from simhand.report.mined_set import RankedPairs


def spread_pairs(
    pairs: RankedPairs, groups: npt.NDArray[np.integer], count: int, each_hand_once: bool = False
) -> Int64Array:
    """Places of at most ``count`` of the ``pairs``, ascending.

    The pairs are cut into ``count`` parts in their order, and each part gives the pair whose two
    recordings have been shown least so far (the first of several).

    Args:
        pairs: ordered by distance.
        groups: (N,) recording of each hand of the set, numbered from 0.
        count: how many to choose.
        each_hand_once: no hand is in two of the chosen pairs. A part without such a pair gives none;
            what is missing then is taken from anywhere, as long as there is such a pair.
    """
    shown = np.zeros(int(groups.max(initial=0)) + 1, np.int64)
    taken = np.zeros(len(groups), bool)
    chosen: list[int] = []

    def choose(places: Int64Array) -> bool:
        if each_hand_once:
            places = places[~(taken[pairs.anchors[places]] | taken[pairs.partners[places]])]
        if len(places) == 0:
            return False
        recordings = groups[pairs.anchors[places]], groups[pairs.partners[places]]
        place = int(places[np.argmin(shown[recordings[0]] + shown[recordings[1]])])
        for hand in (pairs.anchors[place], pairs.partners[place]):
            shown[groups[hand]] += 1
            taken[hand] = True
        chosen.append(place)
        return True

    every = np.arange(len(pairs.anchors))
    for part in np.array_split(every, max(1, min(count, len(every)))):
        choose(part)
    if each_hand_once:
        while len(chosen) < count and choose(every):
            pass
    return np.sort(np.array(chosen, np.int64))

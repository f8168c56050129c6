"""Mining of random small sets of every awkward kind, against loops in plain Python."""

import math

import numpy as np
import pytest
from hands_to_search import EXACT_SEARCHES

from simhand.errors import ConfigError, DataError
from simhand.mining.pairs import EmbeddedHands, mine_pairs
from simhand.settings.pairs import PairsSettings

WORLDS = 150


def small_world(rng):
    """1 to 60 hands in recordings and sources of very unequal size, many of them equal or equally far."""
    count = int(rng.integers(1, 61))
    kind = rng.choice(["normal", "lattice", "copies", "one point"])
    points = rng.normal(size=(count, int(rng.integers(1, 8))))
    if kind == "lattice":
        points = rng.integers(0, 3, points.shape).astype(float)
    if kind == "copies":
        points = points[rng.integers(0, 1 + count // 6, count)]
    if kind == "one point":
        points[:] = points[0]
    groups, sources = (
        rng.choice(most, count, p=rng.dirichlet(np.full(most, 0.4))).astype(np.int32)
        for most in (int(rng.integers(1, 12)), int(rng.integers(1, 4)))
    )
    hand_ids = np.sort(rng.choice(1000, count, replace=False)) - 500
    ranks = np.unique(rng.integers(1, rng.integers(2, count + 3), rng.integers(1, 5))).tolist()
    hands = EmbeddedHands(hand_ids.astype(np.int64), points, groups, sources, left_out=0)
    return hands, PairsSettings(ranks=ranks, within=str(rng.choice(["set", "source"])))


def partners_of(hands, row, within):
    """(distance, hand_id) of all that may be partners, nearest first."""
    found = []
    for other in range(len(hands.hand_ids)):
        elsewhere = within == "source" and hands.sources[other] != hands.sources[row]
        if hands.groups[other] == hands.groups[row] or elsewhere:
            continue
        squared = 0.0
        for a, b in zip(hands.points[row].tolist(), hands.points[other].tolist(), strict=True):
            squared += (a - b) * (a - b)
        found.append((math.sqrt(squared), int(hands.hand_ids[other])))
    return sorted(found)


def expected_outcome(hands, settings):
    """The rows of table ``pairs`` and how many hands lack each rank, or the error that must come."""
    partners = [partners_of(hands, row, settings.within) for row in range(len(hands.hand_ids))]
    largest = max(map(len, partners))
    if largest == 0:
        return DataError
    if settings.ranks[-1] > largest:
        return ConfigError
    rows = [
        (int(hand), rank, near[rank - 1][1], near[rank - 1][0])
        for hand, near in zip(hands.hand_ids, partners, strict=True)
        for rank in settings.ranks
        if rank <= len(near)
    ]
    return rows, {str(rank): sum(len(near) < rank for near in partners) for rank in settings.ranks}


def outcome(hands, settings, search, threads=1):
    try:
        pairs, description = mine_pairs(hands, settings, search, threads)
    except (DataError, ConfigError) as error:
        return type(error)
    return [tuple(row.values()) for row in pairs.to_pylist()], description["without_partner"]


@pytest.mark.parametrize("search", EXACT_SEARCHES.values(), ids=EXACT_SEARCHES)
def test_pairs_are_those_of_plain_loops(search):
    errors = []
    for seed in range(WORLDS):
        hands, settings = small_world(np.random.default_rng(seed))
        expected = expected_outcome(hands, settings)
        errors.append(expected if isinstance(expected, type) else None)
        assert outcome(hands, settings, search) == expected, seed
        assert outcome(hands, settings, search, threads=3) == expected, seed
    assert min(errors.count(kind) for kind in (DataError, ConfigError)) >= 5
    assert errors.count(None) > WORLDS / 2

"""Who serves as a partner: against loops over hands, and on cases whose answer is plain."""

from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest

from simhand.errors import DataError
from simhand.files.tables import make_table
from simhand.mining.hubness import describe_given_pairs, partner_statistics


def counted(partners, groups):
    """The same by loops."""
    served = Counter(partners)
    counts = [served.get(hand, 0) for hand in range(len(groups))]
    mean = sum(counts) / len(counts)
    second, third = (sum((count - mean) ** power for count in counts) / len(counts) for power in (2, 3))
    hubs = sorted(counts, reverse=True)[: max(1, len(counts) // 100)]
    return {
        "pairs": len(partners),
        "recordings": len(set(groups)),
        "partner_recordings": len({groups[hand] for hand in partners}),
        "partner_hands": len(served),
        "partner_share": len(served) / len(counts),
        "most_occurrences": max(counts),
        "skewness": third / second**1.5,
        "top_share": sum(hubs) / len(partners),
    }


@pytest.mark.parametrize(("hands", "pairs"), [(7, 5), (99, 99), (450, 400)])
def test_statistics_are_those_of_a_loop(hands, pairs):
    rng = np.random.default_rng(hands)
    partners = (hands * rng.random(pairs) ** 3).astype(np.int64)
    groups = rng.integers(0, 12, hands)
    found = asdict(partner_statistics(partners, groups))
    assert found == pytest.approx(counted(partners.tolist(), groups.tolist()), rel=1e-12)


def test_one_hand_that_serves_all_is_a_hub():
    found = partner_statistics(np.zeros(1000, np.int64), np.arange(1000) % 10)
    assert (found.partner_hands, found.partner_recordings, found.recordings) == (1, 1, 10)
    assert (found.most_occurrences, found.top_share) == (1000, 1.0)
    assert found.skewness == pytest.approx((1000 - 2) / np.sqrt(1000 - 1))


def test_hands_that_all_serve_once_have_no_skewness():
    found = partner_statistics(np.random.default_rng(0).permutation(500), np.arange(500) % 5)
    assert (found.skewness, found.most_occurrences, found.partner_share) == (None, 1, 1.0)
    assert found.top_share == pytest.approx(0.01)


def set_of(groups):
    columns = {"hand_id": 10 * np.arange(len(groups)), "group_id": groups, "video_id": groups}
    columns |= {"source": groups, "side": groups, "crop_file": groups, "crop_row": np.arange(len(groups))}
    return make_table("set", columns)


def test_given_pairs_are_described_by_rank():
    columns = {"hand_id": [0, 0, 10, 20], "rank": [1, 3, 1, 1], "positive_hand_id": [20, 30, 20, 10]}
    pairs = make_table("pairs", {**columns, "distance": [0.1] * 4})
    found = describe_given_pairs(set_of(["a", "a", "b", "b"]), pairs)
    assert found["hands"] == 4
    assert found["without_partner"] == {"1": 1, "3": 3}
    assert found["partners"]["1"] == asdict(partner_statistics(np.array([2, 2, 1]), np.array([0, 0, 1, 1])))
    assert found["partners"]["3"]["partner_recordings"] == 1


def test_given_pairs_of_another_set_are_an_error():
    columns = {"hand_id": [0], "rank": [1], "positive_hand_id": [40], "distance": [0.0]}
    with pytest.raises(DataError, match="the set lacks 1 of 1 hands"):
        describe_given_pairs(set_of(["a", "b"]), make_table("pairs", columns))

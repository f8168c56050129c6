"""Pairs of a set."""

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from hands_to_search import EXACT_SEARCHES
from pydantic import ValidationError

from simhand.errors import ConfigError, DataError
from simhand.files.tables import make_table
from simhand.mining.pairs import embed_hands, mine_pairs
from simhand.mining.pca import fit_embedding
from simhand.mining.tree_search import search_by_tree
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings


def a_set(groups, sources=None, seed=0):
    """A set with one hand per entry of ``groups``, its keypoints and an embedding of them."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.2, 0.8, (len(groups), 21, 2)).astype(np.float32)
    hand_ids = np.sort(rng.choice(10**12, len(groups), replace=False))
    hands = make_table(
        "set",
        {
            "hand_id": hand_ids,
            "video_id": [f"{group} part {i % 2}" for i, group in enumerate(groups)],
            "group_id": groups,
            "source": sources or ["ego"] * len(groups),
            "side": ["right"] * len(groups),
            "crop_file": ["crops/ego/0000.arrow"] * len(groups),
            "crop_row": np.arange(len(groups)),
        },
    )
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=5))
    return hands, keypoints, embedding


def mine(hands, keypoints, embedding, ranks, search=search_by_tree, **settings):
    """The pairs of a set."""
    embedded = embed_hands(hands, keypoints, embedding)
    return mine_pairs(embedded, PairsSettings(ranks=ranks, **settings), search)[0]


def expected_pairs(hands, keypoints, embedding, ranks, may_be_partners):
    """(hand_id, rank, partner, distance) by definition; ``may_be_partners(hand, other)`` of rows as dicts."""
    points, _ = embedding.embed(keypoints)
    rows = hands.to_pylist()
    expected = []
    for hand, point in zip(rows, points, strict=True):
        near = sorted(
            (np.sqrt(sum((point - points[place]) ** 2)), other["hand_id"])
            for place, other in enumerate(rows)
            if may_be_partners(hand, other)
        )
        expected += [(hand["hand_id"], rank, *near[rank - 1][::-1]) for rank in ranks if rank <= len(near)]
    return expected


def as_tuples(pairs):
    return [tuple(row.values()) for row in pairs.to_pylist()]


@pytest.mark.parametrize("search", EXACT_SEARCHES.values(), ids=EXACT_SEARCHES)
def test_pairs_hold_the_nearest_hands_of_other_groups(search):
    of_set = a_set([f"take {i % 4}" for i in range(30)])
    pairs = mine(*of_set, [1, 3], search)
    assert pairs.schema.equals(make_table("pairs", []).schema, check_metadata=True)
    expected = expected_pairs(*of_set, [1, 3], lambda hand, other: hand["group_id"] != other["group_id"])
    assert as_tuples(pairs) == expected


@pytest.mark.parametrize("search", EXACT_SEARCHES.values(), ids=EXACT_SEARCHES)
def test_pairs_within_a_source(search):
    """Also: a recording may lie in two sources (an ego and an exo view of one take)."""
    rng = np.random.default_rng(0)
    sources = rng.choice(["ego", "exo", "lone"], 60, p=[0.6, 0.3, 0.1]).tolist()
    groups = [f"take {i % 4}" if source != "lone" else "lone" for i, source in enumerate(sources)]
    of_set = a_set(groups, sources)

    def may_be_partners(hand, other):
        return hand["group_id"] != other["group_id"] and hand["source"] == other["source"]

    pairs = mine(*of_set, [1, 12], search, within="source")
    assert as_tuples(pairs) == expected_pairs(*of_set, [1, 12], may_be_partners)
    assert as_tuples(pairs) != as_tuples(mine(*of_set, [1, 12], search))


def test_rows_are_ordered_by_hand_and_rank_whatever_the_order_of_the_set():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    pairs = mine(hands, keypoints, embedding, [1, 3])
    order = np.random.default_rng(1).permutation(30)
    assert mine(hands.take(order), keypoints[order], embedding, [3, 1]).equals(pairs)


def test_equal_hands_are_ordered_by_hand_id():
    hands, keypoints, _ = a_set([f"take {i % 2}" for i in range(10)])
    keypoints[[0, 3, 5, 7]] = keypoints[0]
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=4))
    pairs = mine(hands, keypoints, embedding, [1, 2, 3])
    ids = hands["hand_id"].to_pylist()
    of_first = [row for row in pairs.to_pylist() if row["hand_id"] == ids[0]]
    assert [row["positive_hand_id"] for row in of_first] == [ids[3], ids[5], ids[7]]
    assert [row["distance"] for row in of_first] == [0.0, 0.0, 0.0]


def test_how_they_were_mined():
    hands, keypoints, embedding = a_set(["a"] * 6 + ["b"] * 4)
    keypoints[0] = keypoints[0, 0]
    settings = PairsSettings(ranks=[1, 5])
    pairs, description = mine_pairs(embed_hands(hands, keypoints, embedding), settings, search_by_tree)
    partners = description.pop("partners")
    assert partners.keys() == {"1", "5"}
    for rank, found in partners.items():
        served = pairs.filter(pc.equal(pairs["rank"], int(rank)))["positive_hand_id"].to_pylist()
        assert (found["pairs"], found["partner_hands"]) == (len(served), len(set(served)))
        assert found["partner_share"] == len(set(served)) / 9
        assert found["most_occurrences"] == max(map(served.count, served))
    assert (partners["1"]["partner_recordings"], partners["5"]["partner_recordings"]) == (2, 1)
    assert description == {
        "backend": "tree",
        "within": "set",
        "ranks": [1, 5],
        "hands": 9,
        "left_out": 1,
        "largest_recording": 5,
        "equal_partners": 0,
        "without_partner": {"1": 0, "5": 5},
    }


def test_a_search_that_may_miss_reports_its_recall(caplog):
    of_set = a_set([f"take {i % 4}" for i in range(30)])

    def half_right(*arguments):
        return search_by_tree(*arguments)._replace(checked=40, correct=20)

    settings = PairsSettings(backend="faiss_ivf", probes=3)
    _, description = mine_pairs(embed_hands(*of_set), settings, half_right)
    assert (description["recall"], description["checked_pairs"], description["probes"]) == (0.5, 40, 3)
    assert "50.00 % of 40 pairs" in caplog.text


def test_one_recording_only():
    with pytest.raises(DataError, match="none of the 10 hands has a partner .* recording of its set"):
        mine(*a_set(["only"] * 10), [1])
    sources = ["ego"] * 5 + ["exo"] * 5
    with pytest.raises(DataError, match="none of the 10 hands has a partner .* recording of its source"):
        mine(*a_set(sources, sources), [1], within="source")


def test_rank_beyond_the_set_names_the_largest_possible(caplog):
    hands = a_set(["a"] * 6 + ["b"] * 4)
    with pytest.raises(ConfigError, match="asks for rank 7, .* to at most 6"):
        mine(*hands, [1, 7])
    pairs = mine(*hands, [1, 6])
    assert pairs["rank"].to_pylist().count(6) == 4
    assert pairs["rank"].to_pylist().count(1) == 10
    assert "6 of 10 hands have no partner of rank 6" in caplog.text


def test_hands_that_are_all_too_small():
    hands, keypoints, embedding = a_set(["a"] * 3 + ["b"] * 3)
    with pytest.raises(DataError, match="no hand of the set takes part: .* pca.min_palm_length"):
        mine(hands, np.full_like(keypoints, 0.5), embedding, [1])


def test_a_recording_that_has_nearly_all_hands_is_reported(caplog):
    """Its hands share the few partners there are; half of all hands are not yet worth a word."""
    even, odd = a_set(["a"] * 5 + ["b"] * 5), a_set(["a"] * 29 + ["b"])
    _, description = mine_pairs(embed_hands(*even), PairsSettings(), search_by_tree)
    assert description["largest_recording"] == 5 and "one recording" not in caplog.text
    pairs, description = mine_pairs(embed_hands(*odd), PairsSettings(), search_by_tree)
    assert description["largest_recording"] == 29
    assert "one recording has 29 of 30 hands: their partners are all among the other 1" in caplog.text
    last = odd[0]["hand_id"].to_pylist()[-1]
    assert pairs["positive_hand_id"].to_pylist()[:-1] == 29 * [last]


def test_equal_hands_in_two_recordings_are_partners_and_reported(caplog):
    """Equal hands of one recording are not, only those of another one; nearly equal ones are not counted."""
    hands, keypoints, embedding = a_set([f"take {i % 2}" for i in range(12)])
    keypoints[4] = keypoints[1] = keypoints[3]
    keypoints[6] = keypoints[9] + np.linspace(0, 1e-4, 42, dtype=np.float32).reshape(21, 2)
    pairs, description = mine_pairs(embed_hands(hands, keypoints, embedding), PairsSettings(), search_by_tree)
    ids = hands["hand_id"].to_pylist()
    partner = dict(zip(pairs["hand_id"].to_pylist(), pairs["positive_hand_id"].to_pylist(), strict=True))
    assert [partner[ids[row]] for row in (1, 3, 4)] == [ids[4], ids[4], ids[1]]
    assert description["equal_partners"] == 3
    assert "3 of 12 hands equal their partner of rank 1" in caplog.text


def test_hand_without_scale_is_no_ones_partner_and_has_none(caplog):
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    keypoints[3] = keypoints[3, 0]
    pairs = mine(hands, keypoints, embedding, [1, 2])
    left_out = hands["hand_id"][3].as_py()
    assert left_out not in pairs["hand_id"].to_pylist() + pairs["positive_hand_id"].to_pylist()
    assert pairs.num_rows == 2 * 29
    assert "1 of 30 hands take no part" in caplog.text


def test_keypoints_that_are_not_finite_never_become_pairs():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    keypoints[3, 15] = np.nan
    with pytest.raises(DataError, match="keypoints of 1 of 30 hands are not finite"):
        mine(hands, keypoints, embedding, [1])


def test_an_embedding_that_is_not_finite_gives_no_pairs():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    broken = replace(embedding, mean=np.full(42, np.nan))
    with pytest.raises(DataError, match="pose embedding of some hands is not finite; run fit_pca again"):
        mine(hands, keypoints, broken, [1])


@pytest.mark.parametrize(
    "wrong", [{"ranks": []}, {"ranks": [0]}, {"ranks": [1, 1]}, {"k": 1}, {"backend": "x"}, {"within": "x"}]
)
def test_settings_that_are_rejected(wrong):
    with pytest.raises(ValidationError):
        PairsSettings(**wrong)


def test_ranks_are_put_in_order():
    assert PairsSettings(ranks=[10, 1, 5]).ranks == [1, 5, 10]

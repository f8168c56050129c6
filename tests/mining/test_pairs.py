"""Pairs of a set."""

import numpy as np
import pytest
from pydantic import ValidationError

from simhand.errors import ConfigError, DataError
from simhand.files.tables import make_table
from simhand.mining.pairs import mine_pairs
from simhand.mining.pca import fit_embedding
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings


def a_set(groups, seed=0):
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
            "source": ["ego"] * len(groups),
            "side": ["right"] * len(groups),
            "crop_file": ["crops/ego/0000.arrow"] * len(groups),
            "crop_row": np.arange(len(groups)),
        },
    )
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=5))
    return hands, keypoints, embedding


def test_pairs_hold_the_nearest_hands_of_other_groups():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    pairs = mine_pairs(hands, keypoints, embedding, [1, 3])
    assert pairs.schema.equals(make_table("pairs", []).schema, check_metadata=True)
    coordinates, _ = embedding.embed(keypoints)
    groups = dict(zip(hands["hand_id"].to_pylist(), hands["group_id"].to_pylist(), strict=True))
    place = {hand: row for row, hand in enumerate(groups)}
    expected = []
    for hand, group in groups.items():
        distances = {
            other: np.linalg.norm(coordinates[place[hand]] - coordinates[place[other]])
            for other in groups
            if groups[other] != group
        }
        nearest = sorted(distances, key=lambda other: (distances[other], other))
        expected += [(hand, rank, nearest[rank - 1], distances[nearest[rank - 1]]) for rank in (1, 3)]
    found = [tuple(row.values()) for row in pairs.to_pylist()]
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    np.testing.assert_allclose([row[3] for row in found], [row[3] for row in expected], rtol=1e-12)


def test_rows_are_ordered_by_hand_and_rank_whatever_the_order_of_the_set():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    pairs = mine_pairs(hands, keypoints, embedding, [1, 3])
    order = np.random.default_rng(1).permutation(30)
    assert mine_pairs(hands.take(order), keypoints[order], embedding, [3, 1]).equals(pairs)
    keys = list(zip(pairs["hand_id"].to_pylist(), pairs["rank"].to_pylist(), strict=True))
    assert keys == sorted(keys)


def test_copies_of_one_hand_are_each_others_partners_at_distance_zero():
    hands, keypoints, _ = a_set(["a", "b", "c", "d", "e", "f", "g", "h"])
    keypoints[[2, 5, 7]] = keypoints[0]
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=4))
    pairs = mine_pairs(hands, keypoints, embedding, [1, 2, 3])
    ids = hands["hand_id"].to_pylist()
    of_first = [row for row in pairs.to_pylist() if row["hand_id"] == ids[0]]
    assert [row["positive_hand_id"] for row in of_first] == [ids[2], ids[5], ids[7]]
    assert [row["distance"] for row in of_first] == [0.0, 0.0, 0.0]


def test_one_recording_only():
    with pytest.raises(DataError, match="all 10 hands of the set are of one recording"):
        mine_pairs(*a_set(["only"] * 10), [1])


def test_rank_beyond_the_set_names_the_largest_possible(caplog):
    hands = a_set(["a"] * 6 + ["b"] * 4)
    with pytest.raises(ConfigError, match="asks for rank 7, .* to at most 6"):
        mine_pairs(*hands, [1, 7])
    pairs = mine_pairs(*hands, [1, 6])
    assert pairs["rank"].to_pylist().count(6) == 4
    assert pairs["rank"].to_pylist().count(1) == 10
    assert "6 hands have no partner of rank 6" in caplog.text


def test_hand_without_palm_is_no_ones_partner_and_has_none(caplog):
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    keypoints[3, 9] = keypoints[3, 0]
    pairs = mine_pairs(hands, keypoints, embedding, [1, 2])
    left_out = hands["hand_id"][3].as_py()
    assert left_out not in pairs["hand_id"].to_pylist() + pairs["positive_hand_id"].to_pylist()
    assert pairs.num_rows == 2 * 29
    assert "1 of 30 hands take no part" in caplog.text


def test_keypoints_that_are_not_finite_never_become_pairs():
    hands, keypoints, embedding = a_set([f"take {i % 4}" for i in range(30)])
    keypoints[3, 15] = np.nan
    with pytest.raises(DataError, match="not finite"):
        mine_pairs(hands, keypoints, embedding, [1])


@pytest.mark.parametrize("wrong", [{"ranks": []}, {"ranks": [0]}, {"ranks": [1, 1]}, {"k": 1}])
def test_settings_that_are_rejected(wrong):
    with pytest.raises(ValidationError):
        PairsSettings(**wrong)


def test_ranks_are_put_in_order():
    assert PairsSettings(ranks=[10, 1, 5]).ranks == [1, 5, 10]

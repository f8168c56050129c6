"""A video that is there twice: its group keeps the copy from being everybody's best partner."""

import numpy as np
import pytest

from simhand.files.tables import write_table
from simhand.mining.pairs import embed_hands, mine_pairs
from simhand.mining.pca import fit_embedding
from simhand.mining.sampling import sample_set
from simhand.mining.sets import load_keypoints
from simhand.mining.tree_search import search_by_tree
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.sets import SetSettings


@pytest.mark.parametrize("grouped", [True, False])
def test_hands_of_a_copy_are_partners_unless_they_are_of_one_group(empty_run, hand_maker, grouped):
    rng = np.random.default_rng(4)
    original = [hand_maker(rng, 1 + number, "talk", "right") for number in range(10)]
    copied = [
        hand | {"hand_id": 100 + hand["hand_id"], "video_id": "talk, uploaded again"} for hand in original
    ]
    others = [hand_maker(rng, 1000 + number, "cooking", "right") for number in range(10)]
    empty_run.add_shard("exo", "0000", original + copied + others)
    groups = empty_run.folder / "videos/groups.parquet"
    names = {"talk": "talk", "talk, uploaded again": "talk" if grouped else "again", "cooking": "cooking"}
    write_table(groups, "groups", {"video_id": list(names), "group_id": list(names.values())})

    hands = sample_set(
        SetSettings(balance_sides=False), 0, empty_run.folder, empty_run.keypoint_files, groups
    )
    keypoints = load_keypoints(empty_run.folder, hands)
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=5))
    pairs, _ = mine_pairs(embed_hands(hands, keypoints, embedding), PairsSettings(), search_by_tree)
    positive = {row["hand_id"]: row["positive_hand_id"] for row in pairs.to_pylist()}
    if grouped:
        assert all(positive[number] >= 1000 for number in [*range(1, 11), *range(101, 111)])
    else:
        assert all(positive[number] == number + 100 for number in range(1, 11))

"""Sampling of pre-training sets and reading them back."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import make_table, write_table
from simhand.mining.sampling import choose_hands, keyed_hash, sample_set
from simhand.mining.sets import load_keypoints, load_set
from simhand.settings.sets import SetSettings


def sample(run, seed=0, files=None, groups=None, **settings):
    groups_file = run.write_groups(groups)
    return sample_set(SetSettings(**settings), seed, run.folder, files or run.keypoint_files, groups_file)


def sides_of(table):
    return {side: table["side"].to_pylist().count(side) for side in ("left", "right")}


def test_set_holds_every_column_of_its_hands(small_run):
    table = sample(small_run, groups={f"video {i}": f"recording {i // 2}" for i in range(6)})
    assert table.num_rows > 20
    for row in table.to_pylist():
        hand = small_run.hands[row["hand_id"]]
        assert hand["valid"]
        assert (row["video_id"], row["side"], row["source"]) == (
            hand["video_id"],
            hand["side"],
            hand["source"],
        )
        assert row["group_id"] == f"recording {int(hand['video_id'][-1]) // 2}"
        assert row["crop_file"] == f"crops/{hand['source']}/{hand['shard']}.arrow"
        with PackedReader(small_run.folder / row["crop_file"], "crops") as crops:
            assert crops.image(row["crop_row"]) == str(row["hand_id"]).encode()


def test_crop_row_follows_the_crops_file_not_the_keypoints_file(small_run):
    """A keypoints file that lacks rows of its crops file must not shift the others."""
    path = small_run.keypoint_files[0]
    rows = [row for row in pa.parquet.read_table(path).to_pylist()][3:]
    write_table(path, "keypoints", rows)
    table = sample(small_run, sources=["ego"])
    for row in table.to_pylist():
        with PackedReader(small_run.folder / row["crop_file"], "crops") as crops:
            assert crops.row(row["crop_row"])["hand_id"] == row["hand_id"]


def test_balanced_set_without_size_takes_all_of_the_rarer_side(small_run):
    valid_left = sum(hand["valid"] and hand["side"] == "left" for hand in small_run.hands.values())
    assert sides_of(sample(small_run)) == {"left": valid_left, "right": valid_left}


@pytest.mark.parametrize(("size", "expected"), [(10, (5, 5)), (11, (5, 6)), (2, (1, 1)), (3, (1, 2))])
def test_balanced_set_of_odd_size_has_one_right_hand_more(small_run, size, expected):
    assert tuple(sides_of(sample(small_run, size=size)).values()) == expected


def test_unbalanced_set_takes_sides_as_they_come(small_run):
    valid = [hand for hand in small_run.hands.values() if hand["valid"]]
    table = sample(small_run, balance_sides=False)
    assert table["hand_id"].to_pylist() == sorted(hand["hand_id"] for hand in valid)
    assert sample(small_run, balance_sides=False, size=7).num_rows == 7


def test_sources_restrict_the_set(small_run):
    assert set(sample(small_run, sources=["exo"])["source"].to_pylist()) == {"exo"}
    assert set(sample(small_run)["source"].to_pylist()) == {"ego", "exo"}


def test_balanced_sources_give_equally_many_hands_each(small_run):
    table = sample(small_run, balance_sources=True, size=20)
    assert Counter(zip(table["source"].to_pylist(), table["side"].to_pylist(), strict=True)) == {
        (source, side): 5 for source in ("ego", "exo") for side in ("left", "right")
    }
    alone = [sample(small_run, sources=[source], size=10) for source in ("ego", "exo")]
    together = set(alone[0]["hand_id"].to_pylist()) | set(alone[1]["hand_id"].to_pylist())
    assert set(table["hand_id"].to_pylist()) == together


def test_balanced_sources_without_size_take_what_the_poorer_source_has(small_run):
    table = sample(small_run, balance_sources=True)
    poorer = sample(small_run, sources=["exo"]).num_rows
    assert sample(small_run, sources=["ego"]).num_rows > poorer
    assert Counter(table["source"].to_pylist()) == {"ego": poorer, "exo": poorer}


def test_balanced_sources_name_the_source_that_lacks_hands(small_run):
    message = "asks for 10 left and 10 right hands, .* 8 left and 10 right hands in source 'exo'.* at most 32"
    with pytest.raises(DataError, match=message):
        sample(small_run, balance_sources=True, size=40)
    assert sample(small_run, balance_sources=True, size=32).num_rows == 32


def test_sample_does_not_depend_on_the_order_of_files(small_run):
    files = small_run.keypoint_files
    assert sample(small_run, size=12, files=files).equals(sample(small_run, size=12, files=files[::-1]))


def test_seed_decides_the_sample(small_run):
    first, again, other = (sample(small_run, seed=seed, size=12) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


def test_smaller_set_is_part_of_a_larger_one(small_run):
    small, large = (set(sample(small_run, size=size)["hand_id"].to_pylist()) for size in (10, 20))
    assert small < large


def test_new_videos_change_the_sample_only_by_their_own_hands(small_run, hand_maker):
    before = set(sample(small_run, size=20)["hand_id"].to_pylist())
    rng = np.random.default_rng(1)
    small_run.add_shard(
        "ego", "0002", [hand_maker(rng, 10 + i, "new", ("left", "right")[i % 2]) for i in range(20)]
    )
    after = set(sample(small_run, size=20)["hand_id"].to_pylist())
    new = {hand for hand in after if small_run.hands[hand]["video_id"] == "new"}
    assert 0 < len(new) < 20
    assert len(before - after) == len(new)


def test_draw_is_uniform_and_never_collides():
    hand_ids = np.arange(200_000, dtype=np.int64) - 100_000
    draw = keyed_hash(hand_ids, seed=1)
    assert len(np.unique(draw)) == len(draw)
    counts, _ = np.histogram(draw / 2.0**64, bins=20, range=(0, 1))
    assert abs(counts - 10_000).max() < 500
    order = np.argsort(draw)
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.01
    assert abs(np.corrcoef(draw.astype(float), keyed_hash(hand_ids, seed=2).astype(float))[0, 1]) < 0.01


def test_known_values_of_the_draw():
    """SplitMix64 seeded with 0 begins e220a8397b1dcdaf (Steele et al. 2014): the key of seed 0."""
    key = np.uint64(0xE220A8397B1DCDAF)
    hand_id = np.array([key]).astype(np.int64)
    assert keyed_hash(hand_id, seed=0)[0] == key


def test_too_large_a_set_says_how_many_hands_there_are(small_run):
    left, right = sides_of(sample(small_run, balance_sides=False)).values()
    with pytest.raises(
        DataError, match=f"25 left and 25 right hands, but there are {left} left and {right} right"
    ):
        sample(small_run, size=50)
    with pytest.raises(DataError, match=f"at most {left + right}"):
        sample(small_run, size=100, balance_sides=False)
    with pytest.raises(DataError, match=f"at most {2 * left}"):
        sample(small_run, size=2 * left + 2)


def test_largest_size_named_in_the_error_works(small_run):
    left = sides_of(sample(small_run, balance_sides=False))["left"]
    assert sample(small_run, size=2 * left).num_rows == 2 * left


def test_no_hands_of_one_side(empty_run, hand_maker):
    rng = np.random.default_rng(0)
    empty_run.add_shard("ego", "0000", [hand_maker(rng, i, "a", "right") for i in range(4)])
    with pytest.raises(DataError, match="0 left and 4 right"):
        sample(empty_run)
    assert sample(empty_run, balance_sides=False).num_rows == 4


def test_no_valid_hands_at_all(empty_run, hand_maker):
    rng = np.random.default_rng(0)
    hands = [hand_maker(rng, i, "a", "right", valid=False) for i in range(3)]
    empty_run.add_shard("ego", "0000", hands)
    with pytest.raises(DataError, match="no valid hands: 1 keypoints file.* hold 3 hands"):
        sample(empty_run)
    empty_run.add_shard("ego", "0000", [])
    with pytest.raises(DataError, match="hold 0 hands"):
        sample(empty_run)


def test_hand_id_that_stands_twice(small_run, hand_maker):
    known = sorted(hand["hand_id"] for hand in small_run.hands.values() if hand["valid"])[0]
    small_run.add_shard("exo", "0009", [hand_maker(np.random.default_rng(0), known, "video 0", "left")])
    with pytest.raises(DataError, match=f"first: {known}"):
        sample(small_run)


def test_source_without_keypoints(small_run):
    with pytest.raises(DataError, match="no keypoints of source.* third.* ego, exo"):
        sample(small_run, sources=["ego", "third"])


def test_video_without_group(small_run):
    with pytest.raises(DataError, match="no group for 1 video.*video 5"):
        sample(small_run, groups={f"video {i}": "g" for i in range(5)})


def test_unknown_side(empty_run, hand_maker):
    rng = np.random.default_rng(0)
    empty_run.add_shard(
        "ego", "0000", [hand_maker(rng, i, "a", side) for i, side in enumerate(("left", "Right"))]
    )
    with pytest.raises(DataError, match="Right"):
        sample(empty_run)


def test_crops_made_anew_after_the_keypoints(small_run):
    path = small_run.keypoint_files[0]
    stored = pa.parquet.read_table(path).to_pylist()
    small_run.add_shard("ego", "0000", stored[:-1])
    write_table(path, "keypoints", stored)
    with pytest.raises(DataError, match="crops/ego/0000.arrow lacks 1 of"):
        sample(small_run, sources=["ego"], balance_sides=False)


def test_choose_hands_is_independent_of_row_order():
    rng = np.random.default_rng(5)
    hand_ids = rng.permutation(1000).astype(np.int64)
    is_left = hand_ids % 3 == 0
    shuffled = rng.permutation(1000)
    settings = SetSettings(size=101)
    chosen = hand_ids[choose_hands(hand_ids, is_left, settings, 9)]
    again = hand_ids[shuffled][choose_hands(hand_ids[shuffled], is_left[shuffled], settings, 9)]
    assert np.array_equal(chosen, again)
    assert np.array_equal(chosen, np.sort(chosen))


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 1}, {"sources": []}, {"sources": ["a", "a"]}, {"sides": 1}]
)
def test_settings_that_are_rejected(wrong):
    with pytest.raises(ValidationError):
        SetSettings(**wrong)


def test_keypoints_come_in_set_order(small_run, tmp_path):
    write_table(tmp_path / "set.parquet", "set", sample(small_run))
    table = load_set(tmp_path / "set.parquet")
    shuffled = table.take(np.random.default_rng(2).permutation(table.num_rows))
    for hands in (table, shuffled):
        keypoints = load_keypoints(small_run.folder, hands)
        assert keypoints.shape == (hands.num_rows, 21, 2)
        assert keypoints.dtype == np.float32
        expected = [small_run.hands[hand]["keypoints"] for hand in hands["hand_id"].to_pylist()]
        assert np.array_equal(keypoints.reshape(-1, 42), np.array(expected, np.float32))


def test_keypoints_of_a_chunked_set(small_run):
    table = sample(small_run)
    chunked = pa.concat_tables([table.slice(0, 5), table.slice(5)])
    assert np.array_equal(load_keypoints(small_run.folder, chunked), load_keypoints(small_run.folder, table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row | {"valid": False}, "no valid keypoints"),
        (lambda row: row | {"keypoints": [float("nan")] * 42}, "not finite"),
        (lambda row: row | {"hand_id": -1}, "lacks 1 of"),
    ],
)
def test_keypoints_that_changed_after_sampling(small_run, change, message):
    hands = sample(small_run, balance_sides=False)
    path = small_run.keypoint_files[0]
    rows = pa.parquet.read_table(path).to_pylist()
    rows[0] = change(rows[0])
    write_table(path, "keypoints", rows)
    with pytest.raises(DataError, match=message):
        load_keypoints(small_run.folder, hands)


def test_empty_set_file(tmp_path):
    write_table(tmp_path / "set.parquet", "set", [])
    with pytest.raises(DataError, match="holds no hands"):
        load_set(tmp_path / "set.parquet")


def test_set_file_with_a_hand_twice(small_run, tmp_path):
    table = sample(small_run)
    write_table(tmp_path / "set.parquet", "set", pa.concat_tables([table, table.slice(0, 1)]))
    with pytest.raises(DataError, match="more than one hand"):
        load_set(tmp_path / "set.parquet")


def test_set_table_has_the_published_columns(small_run):
    assert sample(small_run).schema.equals(make_table("set", []).schema, check_metadata=True)

"""Loading a set: crops, keypoints and positives of the right hands, epoch order, and bad input."""

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from drawn_run import SIZE_PX, write_run

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table, write_table
from simhand.pretraining.data import load_hands, load_positives
from simhand.pretraining.epochs import batches, epoch_order, steps_in_epoch
from simhand.pretraining.methods.registry import find_method
from simhand.settings.pretrain import PretrainSettings


def load(run, settings, pairs=True, ranks=(1,)):
    return load_hands(settings, run.folder, run.set_file, run.pairs_file if pairs else None, ranks, 1)


def stored_crop(run, row):
    member = read_table(run.set_file, "set").slice(row, 1).to_pylist()[0]
    with PackedReader(run.folder / member["crop_file"], "crops") as reader:
        encoded = np.frombuffer(reader.image(member["crop_row"]), np.uint8)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1]


def test_crops_are_those_of_the_set_in_its_order(run):
    hands = load(run, PretrainSettings(image_size_px=128))
    images = hands.crops.take(np.arange(run.hands))
    assert images.shape == (run.hands, SIZE_PX, SIZE_PX, 3)
    for row in (0, 1, run.hands - 1):
        assert np.array_equal(images[row], stored_crop(run, row))


def test_crops_are_shrunk_towards_the_size_of_the_views(run):
    images = load(run, PretrainSettings(image_size_px=32)).crops.take(np.array([3]))
    expected = cv2.resize(stored_crop(run, 3), (48, 48), interpolation=cv2.INTER_AREA)
    assert np.array_equal(images[0], expected)


def test_crops_that_do_not_fit_in_memory_are_the_same(run):
    rows = np.array([5, 0, 5, 23])
    kept = load(run, PretrainSettings(image_size_px=32))
    decoded = load(run, PretrainSettings(image_size_px=32, memory_mb=0))
    assert np.array_equal(kept.crops.take(rows), decoded.crops.take(rows))


def test_keypoints_lie_on_the_drawn_hand(run):
    hands = load(run, PretrainSettings(image_size_px=128))
    images = hands.crops.take(np.arange(run.hands)).astype(int)
    for image, keypoints in zip(images, hands.keypoints, strict=True):
        x, y = (keypoints[10] * SIZE_PX).astype(int)
        assert np.abs(image[y, x] - image[0, 0]).max() > 20, "joint 10 is drawn, the corner is background"


def test_positives_are_the_mined_partners(run):
    positives = load(run, PretrainSettings()).positives
    assert positives.tolist() == [[row ^ 1] for row in range(run.hands)]


@pytest.fixture
def ranked(tmp_path):
    """Eight hands with positives of ranks 1 and 3, the last without one of rank 3."""
    run = write_run(tmp_path, 8)
    first = read_table(run.pairs_file, "pairs").to_pylist()
    ids = [row["hand_id"] for row in first]
    third = [
        {"hand_id": ids[i], "rank": 3, "positive_hand_id": ids[(i + 2) % 8], "distance": 1.0}
        for i in range(7)
    ]
    write_table(run.pairs_file, "pairs", [*first, *third])
    return run


def test_several_positives_stand_side_by_side_rank_by_rank(ranked, caplog):
    hands = load(ranked, PretrainSettings(), ranks=(1, 3))
    assert hands.positives[:7].tolist() == [[row ^ 1, (row + 2) % 8] for row in range(7)]
    assert hands.anchors.tolist() == list(range(7)), "an anchor has all of its positives"
    assert "1 of 8 hands are no anchors: no positive of rank 1, 3" in caplog.text
    assert load(ranked, PretrainSettings(), ranks=(3,)).positives[:7, 0].tolist() == [2, 3, 4, 5, 6, 7, 0]


def test_batches_of_several_positives_are_view_by_view(ranked):
    settings = PretrainSettings(batch_size=3, image_size_px=32)
    hands = load(ranked, settings, ranks=(1, 3))
    order = epoch_order(hands, "without_replacement", 0, 0)
    batch = next(iter(batches(hands, find_method("simhand"), settings, 0, 0)))
    rows = np.concatenate([order[:3], order[:3] ^ 1, (order[:3] + 2) % 8])
    assert np.array_equal(np.concatenate(list(batch.crops)), hands.crops.take(rows))
    assert np.array_equal(batch.keypoints, hands.keypoints[rows])


def test_hands_without_a_partner_are_no_anchors(tmp_path, caplog):
    run = write_run(tmp_path, 10, without_partner=3)
    hands = load(run, PretrainSettings())
    assert hands.anchors.tolist() == list(range(7))
    assert "3 of 10 hands are no anchors" in caplog.text
    assert len(load(run, PretrainSettings(), pairs=False).anchors) == 10


def test_a_rank_that_was_not_mined_is_an_error(run):
    with pytest.raises(DataError, match=r"no pair of rank 7, only of \[1\]; add it to `pairs.ranks`"):
        load(run, PretrainSettings(), ranks=(7,))


def test_pairs_of_another_set_are_an_error(run):
    with pytest.raises(DataError, match="lacks"):
        load_positives(run.pairs_file, np.arange(10, dtype=np.int64), 1)


def test_crops_of_another_run_are_an_error(run, tmp_path):
    other = write_run(tmp_path, 6)
    rows = read_table(other.set_file, "set").to_pylist()
    for row in rows:
        row["crop_row"] = 0
    write_table(other.set_file, "set", rows)
    with pytest.raises(DataError, match="not the file that the set was sampled from"):
        load(other, PretrainSettings())


def test_a_broken_crop_is_an_error(tmp_path, monkeypatch):
    run = write_run(tmp_path, 6)
    monkeypatch.setattr(PackedReader, "image", lambda self, row: b"not a jpeg")
    with pytest.raises(DataError, match="row 0: the crop is not a readable image"):
        load(run, PretrainSettings())


def test_a_set_smaller_than_the_batch_is_an_error(run):
    with pytest.raises(
        DataError, match="24 anchors, fewer than one batch of 64; lower `pretrain.batch_size`"
    ):
        steps_in_epoch(run.hands, PretrainSettings(batch_size=64))


def test_an_incomplete_batch_is_dropped_or_kept():
    assert steps_in_epoch(23, PretrainSettings(batch_size=5)) == 4
    assert steps_in_epoch(23, PretrainSettings(batch_size=5, last_batch="keep")) == 5
    assert steps_in_epoch(25, PretrainSettings(batch_size=5, last_batch="keep")) == 5


def test_an_epoch_shows_every_anchor_once_in_an_order_of_its_own(run):
    hands = load(run, PretrainSettings())
    orders = [epoch_order(hands, "without_replacement", 0, epoch) for epoch in range(3)]
    assert all(sorted(order.tolist()) == list(range(run.hands)) for order in orders)
    assert not np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[1], orders[2])
    assert np.array_equal(orders[1], epoch_order(hands, "without_replacement", 0, 1))
    assert not np.array_equal(orders[1], epoch_order(hands, "without_replacement", 1, 1))


def test_sampling_with_replacement_balances_the_sources(run):
    hands = load(run, PretrainSettings())
    uneven = hands._replace(source=(np.arange(run.hands) < 3).astype(np.int64))
    drawn = np.concatenate([epoch_order(uneven, "with_replacement", 0, epoch) for epoch in range(200)])
    assert (drawn < 3).mean() == pytest.approx(0.5, abs=0.02)
    assert len(np.unique(drawn[: run.hands])) < run.hands


def test_batches_hold_anchors_then_positives(run):
    settings = PretrainSettings(batch_size=7, image_size_px=32)
    hands = load(run, settings)
    order = epoch_order(hands, "without_replacement", 0, 2)
    found = list(batches(hands, find_method("simhand"), settings, 0, 2))
    assert [batch.positions.tolist() for batch in found] == [[*range(k, k + 7)] for k in (0, 7, 14)]
    assert [batch.groups for batch in found] == [[slice(0, 14)]] * 3
    rows = np.concatenate([order[7:14], order[7:14] ^ 1])
    assert np.array_equal(next(found[1].crops), hands.crops.take(rows))
    assert np.array_equal(found[1].keypoints[7:], hands.keypoints[order[7:14] ^ 1])


def test_an_epoch_can_be_entered_in_the_middle(run):
    settings = PretrainSettings(batch_size=7, image_size_px=32)
    hands = load(run, settings)
    whole = list(batches(hands, find_method("peclr"), settings, 0, 0))
    rest = list(batches(hands, find_method("peclr"), settings, 0, 0, first_step=2))
    assert len(rest) == 1 and np.array_equal(next(rest[0].crops), next(whole[2].crops))
    assert np.array_equal(rest[0].positions, whole[2].positions)


def test_the_set_file_is_the_documented_table(run):
    assert pq.read_schema(run.set_file).metadata[b"simhand_table"] == b"set"

"""Pairs of adjacent frames, against a naive loop."""

import numpy as np
import pytest

from simhand.errors import DataError
from simhand.files.packed import packed_writer
from simhand.files.tables import make_table
from simhand.mining.adjacent_pairs import pair_adjacent_frames


def write_set(folder, hands):
    """Crops of ``hands`` in two files, and their set: hand_id, video_id, side, frame_index, time, box."""
    rows = []
    for shard in (0, 1):
        name = f"crops/ego/{shard:04d}.arrow"
        with packed_writer(folder / name, "crops") as writer:
            for row, hand in enumerate(hands[shard::2]):
                box = dict(zip(("x1", "y1", "x2", "y2"), hand["box"], strict=True))
                columns = {k: v for k, v in hand.items() if k != "box"}
                writer.append({**columns, **box, "jpeg": b""})
                place = {k: hand[k] for k in ("hand_id", "video_id", "side")}
                where = {"group_id": "g", "source": "ego", "crop_file": name, "crop_row": row}
                rows.append({**place, **where})
    return make_table("set", sorted(rows, key=lambda row: row["hand_id"]))


def hand(hand_id, time, box=(0, 0, 10, 10), video="a", side="left", index=None):
    place = {"video_id": video, "side": side, "timestamp_s": time}
    index = round(30 * time) if index is None and time is not None else index
    return {"hand_id": hand_id, **place, "frame_index": index, "box": box}


def adjacent_of(folder, hands, max_gap_s=1.5):
    pairs = pair_adjacent_frames(folder, write_set(folder, hands), max_gap_s)
    assert set(pairs["rank"].to_pylist()) <= {1}
    columns = (pairs[name].to_pylist() for name in ("hand_id", "positive_hand_id", "distance"))
    return {number: (positive, gap) for number, positive, gap in zip(*columns, strict=True)}


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (sum(areas) - shared)


def naive(hands, max_gap_s):
    found = {}
    for one in hands:
        best = None
        for other in hands:
            gap = abs(one["timestamp_s"] - other["timestamp_s"])
            same_track = (one["video_id"], one["side"]) == (other["video_id"], other["side"])
            if not same_track or gap > max_gap_s or one["frame_index"] == other["frame_index"]:
                continue
            key = (round(gap), -iou(one["box"], other["box"]), gap, other["hand_id"])
            if best is None or key < best[0]:
                best = key, (other["hand_id"], gap)
        if best is not None:
            found[one["hand_id"]] = best[1]
    return found


@pytest.mark.parametrize("max_gap_s", [1.5, 3.0, 100.0])
def test_against_a_naive_loop(tmp_path, max_gap_s):
    rng = np.random.default_rng(2)
    times = np.sort(rng.permutation(60)[:40]) + rng.integers(-2, 3, 40) / 32
    hands = [
        hand(
            int(number) * 7 + 1,
            float(times[rng.integers(40)]),
            (x := float(rng.integers(0, 40)), y := float(rng.integers(0, 40)), x + 24, y + 16),
            f"video {rng.integers(3)}",
            ("left", "right")[rng.integers(2)],
        )
        for number in rng.permutation(300)
    ]
    found = adjacent_of(tmp_path, hands, max_gap_s)
    assert found == naive(hands, max_gap_s)
    assert 0 < len(found) <= len(hands)


def test_the_same_person_comes_before_the_other_at_the_table(tmp_path):
    """The frames before and after are a second away but for jitter; the overlap decides between them."""
    near, far = (0, 0, 10, 10), (200, 0, 210, 10)
    found = adjacent_of(tmp_path, [hand(1, 10.0, near), hand(2, 9.02, far), hand(3, 11.01, near)])
    assert found[1] == (3, pytest.approx(1.01))


def test_a_nearer_second_comes_before_a_larger_overlap(tmp_path):
    found = adjacent_of(tmp_path, [hand(1, 10.0), hand(2, 11.0, (8, 8, 30, 30)), hand(3, 12.0)], 5)
    assert found[1] == (2, 1.0)


def test_ties_go_to_the_smaller_hand_id(tmp_path):
    assert adjacent_of(tmp_path, [hand(1, 10.0), hand(9, 11.0), hand(4, 9.0)])[1] == (4, 1.0)


@pytest.mark.parametrize(
    "other",
    [{"video": "b"}, {"side": "right"}, {"index": 300}, {"time": 11.6}, {"time": None, "index": None}],
)
def test_what_is_no_adjacent_hand(tmp_path, other):
    """Another video, the other side, the same frame, too far away, or no known time."""
    hands = [hand(1, 10.0), hand(2, **{"time": 11.0, **other}), hand(3, 50.0), hand(4, 51.0)]
    assert set(adjacent_of(tmp_path, hands)) == {3, 4}


def test_the_gap_may_be_exactly_the_limit(tmp_path):
    assert adjacent_of(tmp_path, [hand(1, 10.0), hand(2, 11.5)]) == {1: (2, 1.5), 2: (1, 1.5)}


def test_no_adjacent_hands_at_all(tmp_path):
    with pytest.raises(DataError, match=r"none of 2 hands .* within 1.5 s; raise adjacent_pairs.max_gap_s"):
        adjacent_of(tmp_path, [hand(1, 1.0), hand(2, 9.0)])

"""Which packets make an index that can be trusted, from their times alone."""

from fractions import Fraction

import numpy as np
import pytest

from simhand.videos import packet_index
from simhand.videos.nal_units import Picture
from simhand.videos.packet_index import (
    ENTERS,
    RESETS,
    SHOWN,
    IrregularVideo,
    index_packets,
    read_packets,
    reorder_depth,
)


def index_of(pts, starts=(0,), kind=RESETS, hidden=()):
    flags = np.full(len(pts), SHOWN, np.uint8)
    flags[list(starts)] |= kind
    flags[list(hidden)] &= ~np.uint8(SHOWN)
    return index_packets(np.array(pts, np.int64), flags, np.zeros(len(pts), bool), Fraction(1, 10))


def test_frames_are_announced_in_the_order_they_are_shown_in():
    index = index_of([10, 40, 20, 30, 50, 80, 60, 70], starts=(0, 4), hidden=(0,))
    assert [(frame.index, frame.image) for frame in index.frames()] == [
        (0, 2), (1, 3), (2, 1), (3, 4), (4, 6), (5, 7), (6, 5)
    ]  # fmt: skip
    assert [frame.time_s for frame in index.frames()][:2] == [2, 3]


@pytest.mark.parametrize(
    ("packets", "reason"),
    [
        ({"pts": [], "starts": ()}, "does not begin"),
        ({"pts": [0, 1, 2], "starts": (1,)}, "does not begin"),
        ({"pts": [0, 1], "hidden": (0, 1)}, "begins with pictures"),
        ({"pts": [3, 1, 2, 4], "kind": ENTERS}, "begins with pictures"),
        ({"pts": [0, 1, 1, 2]}, "two frames at one time"),
        ({"pts": [0, 1, 2, 3, 1, 4], "starts": (0, 3), "hidden": (1,)}, "run backwards"),
        ({"pts": [0, 1, 2, 5, 3, 4, 6], "starts": (0, 4)}, "run backwards"),
    ],
)
def test_times_that_make_no_sense_are_refused(packets, reason):
    with pytest.raises(IrregularVideo, match=reason):
        index_of(**packets)


@pytest.mark.parametrize(
    "packets",
    [
        {"pts": [3, 1, 2, 4]},
        {"pts": [3, 1, 2, 4], "kind": ENTERS, "hidden": (1, 2)},
        {"pts": [0, 2, 1, 5, 3, 4, 6], "starts": (0, 3), "kind": ENTERS},
    ],
)
def test_pictures_shown_before_the_one_that_decoding_begins_at_are_accepted(packets):
    assert len(index_of(**packets).shown) == len(packets["pts"]) - len(packets.get("hidden", ()))


@pytest.mark.parametrize("seed", range(20))
def test_reorder_depth_is_that_of_a_search(seed):
    rng = np.random.default_rng(seed)
    pts = np.argsort(np.arange(60) + rng.uniform(0, rng.choice([1, 3, 9]), 60)) * 512
    expected = max(int((pts[:position] > pts[position]).sum()) for position in range(60))
    assert reorder_depth(pts) == expected


def test_packets_far_out_of_order_are_told_from_reordered_ones():
    assert reorder_depth(np.roll(np.arange(100), 50)) > 16


class Layers:
    """In place of a reader of packets: every second picture is of a lower layer, no peer refers to any."""

    def __init__(self, codec, extradata):
        self.count = 0

    def picture(self, packet):
        self.count += 1
        return Picture(self.count == 1, False, self.count % 2, True)


def test_pictures_of_lower_layers_are_not_dropped(plain_clip, monkeypatch):
    monkeypatch.setattr(packet_index, "PacketReader", Layers)
    assert read_packets(plain_clip, 0).droppable.tolist() == [True, False] * 16 + [True]

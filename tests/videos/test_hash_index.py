"""The search for shared frames, against comparing every frame with every other."""

import numpy as np
import pytest

from simhand.videos import hash_index
from simhand.videos.hash_bits import MIRRORED_BITS, NOTHING_SEEN
from simhand.videos.hash_index import MAX_VIDEOS_PER_FRAME, FrameHashes, block_masks, shared_frames


def flipped(hash_, bits):
    """``hash_`` with these bits changed."""
    for bit in bits:
        hash_ ^= np.uint64(1) << np.uint64(bit)
    return hash_


def videos_with_close_frames(seed, videos=40):
    """Random frames, 300 of them replaced by others' with up to 9 bits changed, some of them mirrored."""
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, 30, videos))])
    hashes = rng.integers(0, 2**64, starts[-1], np.uint64) | np.uint64(1)
    for _ in range(300):
        a, b = rng.integers(0, len(hashes), 2)
        bits = 1 + rng.choice(63, rng.integers(0, 10), replace=False)
        hashes[b] = flipped(hashes[a], bits) ^ np.uint64(MIRRORED_BITS * (rng.random() < 0.3))
    hashes[rng.random(len(hashes)) < 0.03] = NOTHING_SEEN
    return FrameHashes(hashes.view(np.int64), starts)


def compared_one_by_one(videos, radius):
    hashes = videos.hashes.view(np.uint64).tolist()
    owner = np.repeat(np.arange(len(videos.starts) - 1), np.diff(videos.starts)).tolist()
    return {
        (owner[a], owner[b], mirrored)
        for b in range(len(hashes))
        for a in range(b)
        for mirrored in (0, 1)
        if owner[a] != owner[b] and hashes[a] and hashes[b]
        if (hashes[a] ^ hashes[b] ^ MIRRORED_BITS * mirrored).bit_count() <= radius
    }


@pytest.mark.parametrize("radius", [0, 3, 6, 8])
def test_every_close_frame_is_found_and_no_other(radius):
    videos = videos_with_close_frames(seed=radius)
    expected = compared_one_by_one(videos, radius)
    found = shared_frames(videos, radius, threads=2)
    assert {0, 1} <= {mirrored for _, _, mirrored in expected}
    assert [tuple(pair) for pair in found.pairs.tolist()] == sorted(expected)
    assert not found.common.any()


@pytest.mark.parametrize("radius", [0, 3, 6, 8])
def test_two_frames_within_the_radius_agree_in_three_blocks(radius):
    blocks = block_masks(radius).tolist()
    assert sum(blocks) == 2**64 - 1
    rng = np.random.default_rng(radius)
    for _ in range(200):
        differing = int(flipped(np.uint64(0), rng.choice(64, radius, replace=False)))
        assert sum(differing & block == 0 for block in blocks) >= 3


def test_the_search_goes_on_where_its_buffer_was_full(monkeypatch):
    """Two pairs take turns in one bucket, and every vote fills the buffer."""
    monkeypatch.setattr(hash_index, "_PAIRS_AT_ONCE", MAX_VIDEOS_PER_FRAME)
    one = np.uint64(0x0123456789ABCDEF)
    other = one ^ np.bitwise_or.reduce(block_masks(6)[3:])
    videos = FrameHashes(np.array([one, other, one, other]).view(np.int64), np.arange(5))
    assert shared_frames(videos, 6, threads=1).pairs.tolist() == [[0, 2, 0], [1, 3, 0]]


@pytest.mark.parametrize("videos", [MAX_VIDEOS_PER_FRAME + 1, MAX_VIDEOS_PER_FRAME + 2])
def test_a_frame_in_too_many_videos_is_common(videos):
    """Each video has the title card, twice, and a frame of its own; two share that frame too."""
    rng = np.random.default_rng(videos)
    hashes = rng.integers(0, 2**63, (videos, 3)) | 1
    hashes[:, :2] = hashes[0, 0]
    hashes[7, 2] = hashes[3, 2]
    found = shared_frames(FrameHashes(hashes.ravel(), np.arange(videos + 1) * 3), 6, threads=2)
    others = videos - 1
    is_common = others > MAX_VIDEOS_PER_FRAME
    assert (found.common.reshape(-1, 3) == [is_common, is_common, False]).all()
    assert len(found.pairs) == (1 if is_common else videos * others // 2)
    assert [3, 7, 0] in found.pairs.tolist()


def test_no_frames_share_nothing():
    nothing = FrameHashes(np.empty(0, np.int64), np.zeros(4, np.int64))
    assert shared_frames(nothing, 6, threads=1).pairs.shape == (0, 3)

"""Which videos share a frame: an exact search for close 64-bit hashes among tens of millions.

With a radius of r bits the 64 bits are dealt out to r + 3 blocks. Two hashes at most r bits apart differ in
at most r blocks, so they agree in three: the pigeonhole principle of Norouzi et al., "Fast search in Hamming
space with multi-index hashing", CVPR 2012, here over combinations of blocks. For every choice of three
blocks the frames are put into buckets by the bits of these blocks, and hashes are compared inside a bucket
only; nothing within the radius is missed.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from simhand.videos.hash_bits import MIRRORED_BITS, NOTHING_SEEN

AGREEING_BLOCKS = 3
MAX_VIDEOS_PER_FRAME = 200
"""A frame that more other videos show is a title card or a test pattern, and counts for no pair."""

_DIGIT_BITS = 7
_DIGITS = 1 << _DIGIT_BITS
_MAX_BUCKET_BITS = 3 * _DIGIT_BITS
_PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class FrameHashes:
    """The hashes of all videos, one behind the other.

    Attributes:
        hashes: (frames,) int64, one per sampled second.
        starts: (videos + 1,) int64; video v holds the frames from ``starts[v]`` up to ``starts[v + 1]``.
    """

    hashes: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class SharedFrames:
    """Videos that share a frame.

    Attributes:
        pairs: (pairs, 3) int64, rising: two video numbers, the smaller first, and whether one of the two
            is to be mirrored (1) or not (0).
        common: (frames,) bool, the frames that more than :data:`MAX_VIDEOS_PER_FRAME` other videos show.
    """

    pairs: np.ndarray
    common: np.ndarray


def shared_frames(videos: FrameHashes, radius: int, threads: int) -> SharedFrames:
    """Find every two videos with frames at most ``radius`` bits apart, as they are or mirrored.

    Args:
        videos: all videos; frames with hash ``NOTHING_SEEN`` match nothing.
        radius: largest number of differing bits, 0 to 8.
        threads: so many threads search at once; the result does not depend on it.
    """
    seen = np.flatnonzero(videos.hashes != NOTHING_SEEN)
    hashes = videos.hashes[seen].view(np.uint64)
    count = len(videos.starts) - 1
    owner = np.repeat(np.arange(count, dtype=np.int32), np.diff(videos.starts))[seen]
    common = np.zeros(len(seen), bool)
    blocks = block_masks(radius)

    def search(choice: tuple[int, ...]) -> np.ndarray:
        return _search_buckets(hashes, owner, count, blocks, np.array(choice), radius, common)

    keys = np.empty(0, np.int64)
    with ThreadPoolExecutor(threads) as pool:
        for found in pool.map(search, itertools.combinations(range(len(blocks)), AGREEING_BLOCKS)):
            keys = np.union1d(keys, found)
    common_frames = np.zeros(len(videos.hashes), bool)
    common_frames[seen[common]] = True
    return SharedFrames(np.stack([keys // 2 // count, keys // 2 % count, keys % 2], axis=1), common_frames)


def block_masks(radius: int) -> np.ndarray:
    """The bits of each block, (radius + 3,) uint64; neighbouring frequencies go to different blocks."""
    blocks = radius + AGREEING_BLOCKS
    return np.array([sum(1 << bit for bit in range(block, 64, blocks)) for block in range(blocks)], np.uint64)


def _search_buckets(
    hashes: np.ndarray,
    owner: np.ndarray,
    videos: int,
    blocks: np.ndarray,
    choice: np.ndarray,
    radius: int,
    common: np.ndarray,
) -> np.ndarray:
    """Pairs of videos with close frames that agree in the chosen blocks first, as rising keys."""
    mask = np.bitwise_or.reduce(blocks[choice])
    buckets = 1 << min(_MAX_BUCKET_BITS, len(hashes).bit_length())
    starts, hashes, owner, frame = _into_buckets(hashes, owner, mask, buckets)
    pairs, keys = np.empty(_PAIRS_AT_ONCE, np.int64), np.empty(0, np.int64)
    for mirrored in (0, 1):
        flip, first = np.uint64(MIRRORED_BITS * mirrored), 0
        while first < len(hashes):
            first, filled = _pairs_in_buckets(
                first, starts, hashes, owner, frame, mask, flip, blocks, choice, radius, videos, common, pairs
            )
            keys = np.union1d(keys, pairs[:filled] * 2 + mirrored)
    return keys


@numba.njit(nogil=True)
def _bucket(masked: np.uint64, buckets: int) -> int:
    """Equal bits give equal buckets: multiplicative hashing by 2^64 over the golden ratio."""
    return int(np.int64((masked * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32))) & (buckets - 1)


@numba.njit(nogil=True)
def _into_buckets(
    hashes: np.ndarray, owner: np.ndarray, mask: np.uint64, buckets: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where each bucket starts, and hash, owner and number of the frames by bucket, else in their order."""
    frame = np.arange(len(hashes)).astype(np.int32)
    # least significant digit first, and few digits: random access all over the memory takes twice the time
    for shift in range(0, _MAX_BUCKET_BITS, _DIGIT_BITS):
        place = np.zeros(_DIGITS + 1, np.int64)
        for i in range(len(hashes)):
            place[_digit(hashes[i] & mask, buckets, shift) + 1] += 1
        for digit in range(_DIGITS):
            place[digit + 1] += place[digit]
        from_hashes, from_owner, from_frame = hashes, owner, frame
        hashes, owner, frame = np.empty_like(hashes), np.empty_like(owner), np.empty_like(frame)
        for i in range(len(hashes)):
            digit = _digit(from_hashes[i] & mask, buckets, shift)
            to = place[digit]
            place[digit] += 1
            hashes[to], owner[to], frame[to] = from_hashes[i], from_owner[i], from_frame[i]
    starts = np.zeros(buckets + 1, np.int64)
    for i in range(len(hashes)):
        starts[_bucket(hashes[i] & mask, buckets) + 1] += 1
    for bucket in range(buckets):
        starts[bucket + 1] += starts[bucket]
    return starts, hashes, owner, frame


@numba.njit(nogil=True)
def _digit(masked: np.uint64, buckets: int, shift: int) -> int:
    return (_bucket(masked, buckets) >> shift) & (_DIGITS - 1)


@numba.njit(nogil=True)
def _pairs_in_buckets(
    first: int,
    starts: np.ndarray,
    hashes: np.ndarray,
    owner: np.ndarray,
    frame: np.ndarray,
    mask: np.uint64,
    flip: np.uint64,
    blocks: np.ndarray,
    choice: np.ndarray,
    radius: int,
    videos: int,
    common: np.ndarray,
    pairs: np.ndarray,
) -> tuple[int, int]:
    """Fill ``pairs`` from frame ``first`` on; the frame to go on with, and how many pairs there are."""
    filled = 0
    itself = 1 if flip == 0 else 0
    for i in range(first, len(hashes)):
        if filled + MAX_VIDEOS_PER_FRAME > len(pairs):
            return i, filled
        mine, own = hashes[i] ^ flip, owner[i]
        bucket = _bucket(mine & mask, len(starts) - 1)
        # most frames have no close one, and a loop without branches tells it in a third of the time
        close = 0
        for j in range(starts[bucket], starts[bucket + 1]):
            close += popcount(mine ^ hashes[j]) <= radius
        if close <= itself:
            continue
        others, found, last_other, last_found = 0, 0, -1, -1
        for j in range(starts[bucket], starts[bucket + 1]):
            if popcount(mine ^ hashes[j]) > radius:
                continue
            other = owner[j]
            if other == own:
                continue
            # frames of a video lie together, and one of them is enough
            if other == last_found:
                continue
            if other != last_other:
                others, last_other = others + 1, other
                if others > MAX_VIDEOS_PER_FRAME:
                    common[frame[i]] = True
                    found = 0
                    break
            if _agree_first_in(mine ^ hashes[j], blocks, choice):
                pairs[filled + found] = min(own, other) * np.int64(videos) + max(own, other)
                found, last_found = found + 1, other
        filled += found
    return len(hashes), filled


@numba.njit(nogil=True)
def _agree_first_in(differing: np.uint64, blocks: np.ndarray, choice: np.ndarray) -> bool:
    """Whether the chosen blocks are the first that agree: so two frames are found in one choice only."""
    agreed = 0
    for block in range(len(blocks)):
        if differing & blocks[block] == 0:
            if choice[agreed] != block:
                return False
            agreed += 1
            if agreed == len(choice):
                return True
    return False


@numba.njit(nogil=True)
def popcount(bits: np.uint64) -> int:
    """How many bits are set (Warren, "Hacker's Delight", section 5-1)."""
    bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56)))

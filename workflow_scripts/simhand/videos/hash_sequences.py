"""Whether two videos show the same seconds: their hashes laid beside each other at one time offset.

A fixed camera sees nearly the same picture in every second, and so in two recordings of one room. A second
therefore counts only where it is more than twice as close to its partner as to the other seconds of that
video on average: so it is in a copy, but hardly ever in another take in the same room. Of a picture that
never changes nothing is said.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from simhand.videos.hash_bits import MIRRORED_BITS, NOTHING_SEEN
from simhand.videos.hash_index import FrameHashes, popcount

TIMES_CLOSER = 2
"""A second counts if it is more than so many times closer to its partner than to the others on average."""

_PAIRS_AT_ONCE = 256


def compare_videos(
    videos: FrameHashes, pairs: np.ndarray, radius: int, threads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The seconds that two videos share at the offset which fits best, for every pair.

    Sampling starts with the first frame, so a video that was cut at its start is sampled at other
    fractions of a second: second t of one is compared with seconds t + offset and t + offset + 1 of the
    other, and the closer counts.

    Args:
        videos: hashes of all videos; frames with hash ``NOTHING_SEEN`` match nothing.
        pairs: (pairs, 3) int64: two video numbers, and 1 if one of them is to be mirrored.
        radius: seconds with more differing bits do not match.
        threads: so many threads compare at once.

    Returns:
        Per pair the matching seconds of the shorter video, int64; their share of its seconds that show
        something, float64; and the nearest offset, int64: second t of the first video is about second
        t + offset of the second one.
    """
    hashes = videos.hashes.view(np.uint64)
    seconds, share = np.zeros(len(pairs), np.int64), np.zeros(len(pairs))
    offset = np.zeros(len(pairs), np.int64)

    def compare(first: int) -> None:
        part = slice(first, first + _PAIRS_AT_ONCE)
        _compare(hashes, videos.starts, pairs[part], radius, seconds[part], share[part], offset[part])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(compare, range(0, len(pairs), _PAIRS_AT_ONCE)))
    return seconds, share, offset


@numba.njit(nogil=True)
def _compare(
    hashes: np.ndarray,
    starts: np.ndarray,
    pairs: np.ndarray,
    radius: int,
    seconds: np.ndarray,
    share: np.ndarray,
    offset: np.ndarray,
) -> None:
    for pair in range(len(pairs)):
        a, b, mirrored = pairs[pair]
        swapped = starts[a + 1] - starts[a] > starts[b + 1] - starts[b]
        if swapped:
            a, b = b, a
        shorter, longer = hashes[starts[a] : starts[a + 1]], hashes[starts[b] : starts[b + 1]].copy()
        if mirrored:
            for s in range(len(longer)):
                if longer[s] != NOTHING_SEEN:
                    longer[s] ^= np.uint64(MIRRORED_BITS)
        best, nearest = _best_offset(shorter, longer, radius)
        seconds[pair] = _matching_seconds(shorter, longer, radius, best)
        share[pair] = seconds[pair] / max(1, np.count_nonzero(shorter))
        offset[pair] = -nearest if swapped else nearest


@numba.njit(nogil=True)
def _best_offset(shorter: np.ndarray, longer: np.ndarray, radius: int) -> tuple[int, int]:
    """The offset that with the next one fits best, close seconds counting more; and the better of the two."""
    # one more offset at either end, so that every one has a next
    fit = np.zeros(len(shorter) + len(longer) + 1, np.int64)
    for t in range(len(shorter)):
        if shorter[t] == NOTHING_SEEN:
            continue
        for s in range(len(longer)):
            bits = popcount(shorter[t] ^ longer[s])
            if bits <= radius and longer[s] != NOTHING_SEEN:
                fit[s - t + len(shorter)] += radius + 1 - bits
    best = int(np.argmax(fit[:-1] + fit[1:]))
    return best - len(shorter), best + int(fit[best + 1] > fit[best]) - len(shorter)


@numba.njit(nogil=True)
def _matching_seconds(shorter: np.ndarray, longer: np.ndarray, radius: int, offset: int) -> int:
    """Seconds of ``shorter`` that are far closer to ``longer`` at this offset than elsewhere."""
    matching = 0
    for t in range(len(shorter)):
        if shorter[t] == NOTHING_SEEN:
            continue
        here, others, bits_to_others = radius + 1, 0, 0
        for s in range(len(longer)):
            if longer[s] == NOTHING_SEEN:
                continue
            bits = popcount(shorter[t] ^ longer[s])
            if t + offset <= s <= t + offset + 1:
                here = min(here, bits)
            else:
                others, bits_to_others = others + 1, bits_to_others + bits
        if here <= radius and TIMES_CLOSER * here * others < bits_to_others:
            matching += 1
    return matching

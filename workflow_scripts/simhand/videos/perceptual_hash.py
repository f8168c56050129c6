"""A 64-bit hash of what a frame shows, which survives re-encoding, scaling, black bars and mirroring.

The kind is pHash: signs of the lowest frequencies of a cosine transform of the frame, grey and shrunk
(Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, section 3.2.1). Signs
are taken against zero instead of the median: mirroring a frame left to right flips the sign of every odd
horizontal frequency and of nothing else, so the hash of the mirrored frame follows from the hash.
"""

import cv2
import numpy as np

from simhand.videos.hash_bits import NOTHING_SEEN

_SAMPLED = 256
_COARSE = 32
_FREQUENCIES = 8
_MIN_CONTRAST = 5.0
_BLACK_LEVEL = 24
_WIDEST_BAR = 0.35


def perceptual_hash(bgr: np.ndarray) -> int:
    """The hash of a frame, as a signed 64-bit number; ``NOTHING_SEEN`` (0) if it shows nothing.

    Bit 8 v + u tells whether the frame holds a positive share of the cosine with u half-waves across and v
    half-waves down (u, v < 8). Bit 0, the mean, is always set.

    Args:
        bgr: (height, width, 3) uint8.
    """
    # nearest first: averaging over all pixels of a large frame costs as much as its JPEG
    sampled = cv2.resize(bgr, (_SAMPLED, _SAMPLED), interpolation=cv2.INTER_NEAREST)
    picture = _without_bars(cv2.cvtColor(sampled, cv2.COLOR_BGR2GRAY))
    coarse = cv2.resize(picture, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if coarse.std() < _MIN_CONTRAST:
        return NOTHING_SEEN
    bits = cv2.dct(coarse)[:_FREQUENCIES, :_FREQUENCIES] > 0
    return int(np.packbits(bits.ravel(), bitorder="little").view("<i8")[0])


def _without_bars(grey: np.ndarray) -> np.ndarray:
    """The picture without black bars at its borders, each at most 35 % of a side."""
    return grey[_lit(grey.max(axis=1)), _lit(grey.max(axis=0))]


def _lit(brightest: np.ndarray) -> slice:
    lit = brightest > _BLACK_LEVEL
    return slice(_bar(lit), len(lit) - _bar(lit[::-1]))


def _bar(lit: np.ndarray) -> int:
    outer = lit[: int(_WIDEST_BAR * len(lit)) + 1]
    return int(outer.argmax()) if outer.any() else 0

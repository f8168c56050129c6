"""Which packets of a video must be decoded so that certain frames are exactly those of a full decode."""

from dataclasses import dataclass

import numpy as np

from simhand.videos.packet_index import ENTERS, RESETS, PacketIndex

ALWAYS_DECODED = 8
"""So many packets at the start are always decoded, to see whether frames come as packets announce them."""


@dataclass(frozen=True)
class DecodePlan:
    """What to do with each packet.

    Attributes:
        decode: (packets,) bool, whether the decoder is to have it.
        flush_before: (packets,) bool, whether the decoder must forget all that came before.
    """

    decode: np.ndarray
    flush_before: np.ndarray


def plan_decoding(index: PacketIndex, wanted: np.ndarray) -> DecodePlan:
    """The packets that the frames of packets ``wanted`` depend on, and no more where that is known.

    Decoding a frame begins with the last packet, not after it in the file nor on the screen, at which
    decoding can begin. From there to the frame, packets that no other refers to are left out. Where such a
    stretch begins with a picture that can only be entered at (HEVC's CRA), those shown before it are left
    out too: they may refer to pictures before it, and no picture shown after it refers to them.

    Args:
        index: of the video.
        wanted: (any number,) positions in ``index``.
    """
    count = len(index.pts)
    starts = np.flatnonzero(index.flags & (RESETS | ENTERS))
    last_start = np.searchsorted(starts, wanted, side="right") - 1
    last_start -= index.pts[starts[last_start]] > index.pts[wanted]
    changes = np.bincount(starts[np.maximum(last_start, 0)], minlength=count + 1)
    changes -= np.bincount(wanted + 1, minlength=count + 1)
    covered = np.cumsum(changes)[:count] > 0
    covered[:ALWAYS_DECODED] = True

    begins = covered & ~np.concatenate(([False], covered[:-1]))
    begins[0] = False
    flush_before = begins & (index.flags & ENTERS > 0)
    begin_of = np.maximum.accumulate(np.where(begins, np.arange(count), 0))
    shown_before_entry = flush_before[begin_of] & (index.pts < index.pts[begin_of])

    is_wanted = np.zeros(count, bool)
    is_wanted[wanted] = True
    dropped = index.droppable & ~is_wanted
    dropped[:ALWAYS_DECODED] = False
    return DecodePlan(covered & ~dropped & ~shown_before_entry, flush_before)

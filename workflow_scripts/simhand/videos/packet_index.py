"""The pictures of a video as its packets announce them, read without decoding any."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import PktSideDataT

from simhand.videos.nal_units import PacketReader, UnfamiliarPacket
from simhand.videos.sampling import TimedFrame

DTS_ONLY = "avi"
SHOWN, RESETS, ENTERS = 1, 2, 4
NEW_STATE: tuple[PktSideDataT, ...] = ("new_extradata", "param_change")
UNKNOWN_OR_PROGRESSIVE = (0, 1)
MOST_REORDERED = 16


class IrregularVideo(Exception):
    """The packets do not tell for certain which frames a full decode gives; says why."""


@dataclass(frozen=True)
class PacketIndex:
    """One row per packet, in the order of the file, which is that of decoding.

    14 bytes per packet, and some 60 while it is made: 6 MB for an hour at 30 frames per second.

    Attributes:
        pts: (packets,) int64, in units of ``time_base``.
        flags: (packets,) uint8, SHOWN (not cut off by an edit list), RESETS and ENTERS (see
            :class:`~simhand.videos.nal_units.Picture`) added up.
        droppable: (packets,) bool, no other picture refers to it.
        shown: (frames,) positions of the packets that are shown, in presentation order.
        time_base: seconds per unit.
    """

    pts: np.ndarray
    flags: np.ndarray
    droppable: np.ndarray
    shown: np.ndarray
    time_base: Fraction

    def frames(self) -> Iterator[TimedFrame[int]]:
        """What a full decode will give, each frame's packet in place of its picture."""
        for index, position in enumerate(self.shown.tolist()):
            yield TimedFrame(index, int(self.pts[position]) * self.time_base, position)


def read_packets(path: Path | str, stream_index: int) -> PacketIndex:
    """Read the file from end to end once, in bounded memory.

    What is accepted: H.264 and HEVC of whole frames, one to a packet, each with a PTS of its own; the file
    begins with a picture that decoding can begin at; the parts of the video that begin with such a picture
    follow each other in time; the decoder knows beforehand how far frames are reordered.

    One thing does not show: damage in the header of a picture that nothing wanted depends on, within a NAL
    unit that is framed well. A full decode may lose that picture, note it, and count later frames lower.

    Raises:
        IrregularVideo: anything else, or the file cannot be read to its end.
    """
    try:
        with av.open(str(path)) as container:
            return _read(container, stream_index)
    except UnfamiliarPacket as error:
        raise IrregularVideo(str(error)) from error
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError) as error:
        raise IrregularVideo(f"reading stopped: {error.strerror}") from error


def _read(container: "av.container.InputContainer", stream_index: int) -> PacketIndex:
    stream = next(stream for stream in container.streams.video if stream.index == stream_index)
    context = stream.codec_context
    if container.format.name == DTS_ONLY:
        raise IrregularVideo("its container tells no PTS")
    if context.field_order not in UNKNOWN_OR_PROGRESSIVE:
        raise IrregularVideo("interlaced")
    reader = PacketReader(context.name, context.extradata)
    pts, flags, layers, unreferenced = array("q"), bytearray(), bytearray(), bytearray()
    ended = False
    for packet in container.demux(stream):
        if ended:
            raise IrregularVideo("an empty packet")
        if not packet.size:
            ended = True
            continue
        if packet.pts is None or packet.is_corrupt or any(packet.has_sidedata(kind) for kind in NEW_STATE):
            raise IrregularVideo("a packet without PTS, damaged, or of another kind than those before")
        picture = reader.picture(memoryview(packet))
        pts.append(packet.pts)
        flags.append(SHOWN * (not packet.is_discard) | RESETS * picture.resets | ENTERS * picture.enters)
        layers.append(picture.layer)
        unreferenced.append(picture.unreferenced)
    layer = np.frombuffer(layers, np.uint8)
    # a picture of a higher layer may refer to one that its own layer does not
    droppable = (np.frombuffer(unreferenced, np.uint8) > 0) & (layer == layer.max(initial=0))
    time_base = Fraction(stream.time_base or 0)
    index = index_packets(np.frombuffer(pts, np.int64), np.frombuffer(flags, np.uint8), droppable, time_base)
    if reorder_depth(index.pts) > context.reorder_depth:
        raise IrregularVideo("frames are reordered further than its headers say")
    return index


def index_packets(
    pts: np.ndarray, flags: np.ndarray, droppable: np.ndarray, time_base: Fraction
) -> PacketIndex:
    """The index of packets whose times make sense; the arguments are its attributes.

    Raises:
        IrregularVideo: they do not.
    """
    starts = np.flatnonzero(flags & (RESETS | ENTERS))
    if not len(starts) or starts[0] > 0:
        raise IrregularVideo("does not begin with a picture that decoding can begin at")
    order = np.argsort(pts, kind="stable").astype(np.int32)
    shown = order[flags[order] & SHOWN > 0]
    if not len(shown) or flags[0] & ENTERS and pts[shown[0]] < pts[0]:
        raise IrregularVideo("begins with pictures that refer to some before it")
    if (np.diff(pts[shown]) <= 0).any():
        raise IrregularVideo("two frames at one time")
    latest_before = np.maximum.accumulate(pts)
    earliest_after = np.minimum.accumulate(pts[::-1])[::-1]
    if (latest_before[starts[1:] - 1] >= earliest_after[starts[1:]]).any():
        raise IrregularVideo("timestamps run backwards")
    return PacketIndex(pts, flags, droppable, shown, time_base)


def reorder_depth(pts: np.ndarray) -> int:
    """How many packets at most come before one that is shown earlier than they are."""
    rank = np.argsort(np.argsort(pts, kind="stable"), kind="stable")
    if np.abs(rank - np.arange(len(rank))).max() > MOST_REORDERED:
        return MOST_REORDERED + 1
    depth = np.zeros(len(rank), np.int32)
    # nothing farther away than twice the largest displacement can change places
    for lag in range(1, min(2 * MOST_REORDERED, len(rank) - 1) + 1):
        depth[lag:] += rank[:-lag] > rank[lag:]
    return int(depth.max())

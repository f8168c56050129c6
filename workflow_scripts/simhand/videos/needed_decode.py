"""Decodes the packets of a plan, each of which must give its frame."""

from collections.abc import Iterator

import av
import numpy as np

from simhand.videos.decode_plan import DecodePlan
from simhand.videos.packet_index import SHOWN, IrregularVideo, PacketIndex


def decode_planned(
    container: "av.container.InputContainer", stream: "av.VideoStream", index: PacketIndex, plan: DecodePlan
) -> Iterator[av.VideoFrame]:
    """The frames of the packets to be decoded, in presentation order.

    The file is read from its start without seeking: most of it is needed, what is not is near what is, and
    the packets are certain to be those of the index.

    Raises:
        IrregularVideo: a packet is not that of the index, or does not give exactly its frame; the frames
            given until then may not be those of a full decode.
    """
    announced = np.sort(index.pts[plan.decode & (index.flags & SHOWN > 0)])
    given = 0
    try:
        for frame in _decoded(container, stream, index, plan):
            if given == len(announced) or frame.pts != announced[given] or frame.is_corrupt:
                raise IrregularVideo("frames do not come as their packets announce them")
            given += 1
            yield frame
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise IrregularVideo(f"cannot be decoded without errors: {error.strerror}") from error
    if given < len(announced):
        raise IrregularVideo("packets give no frame")


def _decoded(
    container: "av.container.InputContainer", stream: "av.VideoStream", index: PacketIndex, plan: DecodePlan
) -> Iterator[av.VideoFrame]:
    context = stream.codec_context
    decode, flush_before = bytearray(plan.decode), bytearray(plan.flush_before)
    last = decode.rindex(1)
    for position, packet in enumerate(container.demux(stream)):
        if position > last or not packet.size:
            break
        if packet.pts != index.pts[position]:
            raise IrregularVideo("read again, packets differ")
        if flush_before[position]:
            yield from context.decode(None)
            context.flush_buffers()
        if decode[position]:
            yield from context.decode(packet)
    yield from context.decode(None)

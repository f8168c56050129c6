"""What a packet of H.264 or HEVC holds, told without decoding it.

H.264 is ITU-T H.264 (ISO/IEC 14496-10), sections 7.3.1, 7.3.3 and table 7-1; HEVC is ITU-T H.265, sections
7.3.1.2 and 7.3.6.1 and table 7-1. Packets hold NAL units with their length before each (ISO/IEC 14496-15)
or start codes between them (Annex B of both standards).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

START_CODE = b"\x00\x00\x01"

H264_SLICE, H264_IDR = 1, 5
H264_PARAMETERS = {7, 8, 13}
H264_WITHOUT_PICTURE = {6, 9, 10, 11, 12}

HEVC_CRA, HEVC_IDR = 21, {19, 20}
HEVC_SLICES = {*range(10), *HEVC_IDR, HEVC_CRA}
HEVC_LAST_NON_IRAP = 15
HEVC_PARAMETERS = {32, 33, 34}
# 62 carries Dolby Vision's metadata, which change no sample
HEVC_WITHOUT_PICTURE = {35, 38, 39, 40, 62}


class UnfamiliarPacket(Exception):
    """The packet is damaged or holds something whose effect is not known here; says what."""


@dataclass(frozen=True)
class Picture:
    """The one picture of a packet.

    Attributes:
        resets: decoding can begin here: neither this picture nor those that follow refer to earlier ones.
        enters: so can a flushed decoder's, but not of those that follow and are shown earlier (HEVC's CRA).
        layer: its temporal layer; pictures refer to those of their own or a lower layer.
        unreferenced: no other picture of its layer refers to it.
    """

    resets: bool
    enters: bool
    layer: int
    unreferenced: bool


class PacketReader:
    """Tells what the packets of one stream hold; they are to be given in order.

    Raises:
        UnfamiliarPacket: no rules for this codec.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        if codec not in READERS:
            raise UnfamiliarPacket(f"{codec} is decoded from end to end")
        self._read, length_at = READERS[codec]
        header = extradata or b""
        # a configuration record begins with its version, 1, and Annex B with zeros
        prefixed = len(header) > length_at and header[0] == 1
        self._length_size = (header[length_at] & 3) + 1 if prefixed else None
        self._parameters: list[bytes] | None = None

    def picture(self, packet: bytes | memoryview) -> Picture:
        """What ``packet`` holds.

        Raises:
            UnfamiliarPacket: not exactly one picture, damaged, or its effect on others is not known.
        """
        parameters: list[bytes] = []
        try:
            picture = self._read(self._units(packet), parameters)
        except IndexError:
            raise UnfamiliarPacket("a NAL unit is cut off") from None
        if self._parameters is None:
            self._parameters = parameters
        elif parameters and parameters != self._parameters:
            raise UnfamiliarPacket("parameter sets change")
        return picture

    def _units(self, packet: bytes | memoryview) -> Iterator[memoryview]:
        if self._length_size is None:
            return _between_start_codes(bytes(packet))
        return _after_lengths(memoryview(packet), self._length_size)


def _after_lengths(packet: memoryview, length_size: int) -> Iterator[memoryview]:
    at = 0
    while at < len(packet):
        size = int.from_bytes(packet[at : at + length_size], "big")
        at += length_size
        if not 0 < size <= len(packet) - at:
            raise UnfamiliarPacket("a NAL unit does not fit")
        yield packet[at : at + size]
        at += size


def _between_start_codes(packet: bytes) -> Iterator[memoryview]:
    start = packet.find(START_CODE)
    if start < 0 or packet[:start].strip(b"\x00"):
        raise UnfamiliarPacket("no start code")
    while start >= 0:
        start += len(START_CODE)
        following = packet.find(START_CODE, start)
        unit = packet[start : following if following >= 0 else len(packet)]
        yield memoryview(unit.rstrip(b"\x00"))
        start = following


def _h264_picture(units: Iterator[memoryview], parameters: list[bytes]) -> Picture:
    pictures, kinds = 0, set()
    for unit in units:
        kind = unit[0] & 31
        if kind in (H264_SLICE, H264_IDR):
            # the slice begins with first_mb_in_slice, whose code for 0 is one bit 1
            pictures += unit[1] >> 7
            kinds.add((kind, unit[0] & 0x60 == 0))
        elif kind in H264_PARAMETERS:
            parameters.append(bytes(unit))
        elif kind not in H264_WITHOUT_PICTURE or unit[0] & 0x80:
            raise UnfamiliarPacket(f"NAL unit of type {kind}")
    if pictures != 1 or len(kinds) != 1:
        raise UnfamiliarPacket(f"{pictures} pictures in a packet")
    kind, unreferenced = kinds.pop()
    return Picture(resets=kind == H264_IDR, enters=False, layer=0, unreferenced=unreferenced)


def _hevc_picture(units: Iterator[memoryview], parameters: list[bytes]) -> Picture:
    pictures, kinds = 0, set()
    for unit in units:
        kind, layer = unit[0] >> 1 & 63, (unit[0] & 1) << 5 | unit[1] >> 3
        if layer or unit[0] & 0x80:
            raise UnfamiliarPacket("more than one layer")
        if kind in HEVC_SLICES:
            pictures += unit[2] >> 7
            # the flag no_output_of_prior_pics follows in pictures that can be entered at
            if kind > HEVC_LAST_NON_IRAP and unit[2] & 0x40:
                raise UnfamiliarPacket("pictures before it are not to be shown")
            kinds.add((kind, (unit[1] & 7) - 1))
        elif kind in HEVC_PARAMETERS:
            parameters.append(bytes(unit))
        elif kind not in HEVC_WITHOUT_PICTURE:
            raise UnfamiliarPacket(f"NAL unit of type {kind}")
    if pictures != 1 or len(kinds) != 1:
        raise UnfamiliarPacket(f"{pictures} pictures in a packet")
    kind, layer = kinds.pop()
    # the even types up to 14 are those whose names end in "_N"
    unreferenced = kind <= HEVC_LAST_NON_IRAP and kind % 2 == 0
    return Picture(kind in HEVC_IDR, kind == HEVC_CRA, layer, unreferenced)


READERS: dict[str, tuple[Callable[[Iterator[memoryview], list[bytes]], Picture], int]] = {
    "h264": (_h264_picture, 4),
    "hevc": (_hevc_picture, 21),
}
"""Per codec: its reader, and where its extradata say how long the length before a NAL unit is."""

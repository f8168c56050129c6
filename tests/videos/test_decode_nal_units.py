"""What packets tell of their pictures: by hand-made NAL units, and on both ways of framing them."""

import av
import pytest
from numbered_clips import ffmpeg
from torture_clips import ENCODED, write

from simhand.videos.nal_units import PacketReader, Picture, UnfamiliarPacket

AVC_RECORD, HEVC_RECORD = b"\x01\x64\x00\x1f\xff" + bytes(4), b"\x01" + bytes(20) + b"\x03" + bytes(3)
SPS, PPS, SEI, AUD = b"\x67\x01\x02", b"\x68\x03", b"\x06\x04", b"\x09\xf0"
IDR, REFERENCE, DROPPABLE, SECOND_SLICE = b"\x65\x88\x00", b"\x41\x9a\x00", b"\x01\x9e\x00", b"\x41\x4a\x00"


def packet(*units):
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def h264(*packets):
    reader = PacketReader("h264", AVC_RECORD)
    return [reader.picture(each) for each in packets][-1]


def hevc(kind, layer=0, temporal=0, slice_header=0x80):
    header = bytes([kind << 1, layer << 3 | temporal + 1])
    return PacketReader("hevc", HEVC_RECORD).picture(packet(header + bytes([slice_header, 0])))


def test_pictures_of_h264():
    assert h264(packet(AUD, SPS, PPS, SEI, IDR)) == Picture(True, False, 0, False)
    assert h264(packet(REFERENCE, SECOND_SLICE)) == Picture(False, False, 0, False)
    assert h264(packet(DROPPABLE)) == Picture(False, False, 0, True)


def test_pictures_of_hevc():
    idr, cra, trailing, unreferenced = (hevc(20), hevc(21), hevc(1, temporal=2), hevc(0, temporal=2))
    assert (idr.resets, idr.enters, cra.resets, cra.enters) == (True, False, False, True)
    assert trailing == Picture(False, False, 2, False)
    assert unreferenced == Picture(False, False, 2, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packet(SEI), "0 pictures"),
        (packet(SECOND_SLICE), "0 pictures"),
        (packet(IDR, IDR), "2 pictures"),
        (packet(IDR, SECOND_SLICE), "pictures in a packet"),
        (packet(REFERENCE)[:-1], "does not fit"),
        (packet(REFERENCE) + bytes(4), "does not fit"),
        (bytes(100), "does not fit"),
        (packet(REFERENCE, b"\x42\x80\x00"), "type 2"),
        (packet(REFERENCE, b"\x86\x04"), "type 6"),
        (packet(b"\x41"), "cut off"),
        (b"", "0 pictures"),
    ],
)
def test_what_is_unfamiliar_is_refused(content, reason):
    with pytest.raises(UnfamiliarPacket, match=reason):
        h264(content)


def test_parameter_sets_may_be_repeated_but_not_changed():
    first = packet(SPS, PPS, IDR)
    h264(first, packet(REFERENCE), first)
    with pytest.raises(UnfamiliarPacket, match="parameter sets"):
        h264(first, packet(SPS, PPS + b"\x01", IDR))
    with pytest.raises(UnfamiliarPacket, match="parameter sets"):
        h264(packet(IDR), first)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kind": 1, "layer": 1}, "layer"),
        ({"kind": 16}, "type 16"),
        ({"kind": 36}, "type 36"),
        ({"kind": 20, "slice_header": 0xC0}, "not to be shown"),
    ],
)
def test_what_is_unfamiliar_in_hevc_is_refused(options, reason):
    with pytest.raises(UnfamiliarPacket, match=reason):
        hevc(**options)


def test_other_codecs_are_refused():
    with pytest.raises(UnfamiliarPacket, match="vp9 is decoded from end to end"):
        PacketReader("vp9", None)


@pytest.mark.parametrize("name", ["b_pyramid.mp4", "slices.mp4", "open_gop_hevc.mp4"])
def test_lengths_and_start_codes_frame_the_same_pictures(name, clip_folder):
    """The same stream in MP4 and, its parameter sets repeated, in a transport stream."""
    path, stream = write(clip_folder / name, ENCODED[name]), clip_folder / f"{name}.copy.ts"
    ffmpeg("-i", path, "-c", "copy", stream)
    found = []
    for each in (path, stream):
        with av.open(str(each)) as container:
            context = container.streams.video[0].codec_context
            reader = PacketReader(context.name, context.extradata)
            found.append([reader.picture(bytes(p)) for p in container.demux(video=0) if p.size])
    assert found[0] == found[1]
    assert any(picture.unreferenced for picture in found[0])

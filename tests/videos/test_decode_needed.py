"""Frames true to time on clips with every property that makes real ones hard, however little is decoded."""

import av
import numpy as np
import pytest
from numbered_clips import MS, expected_frames, ffmpeg, number_in, presentation_times_s
from torture_clips import ENCODED, NOISE, Clip, write, x264

from simhand.settings.frames import FramesSettings
from simhand.videos.decode_plan import ALWAYS_DECODED, plan_decoding
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.index_table import IndexedVideo
from simhand.videos.needed_decode import decode_planned
from simhand.videos.packet_index import IrregularVideo, read_packets
from simhand.videos.pyav_decode import PyavVideo


def read(path, decode, sampling="every_second", threads=1):
    """The sampled frames, the problems, and why all was decoded."""
    with PyavVideo(path, FramesSettings(decode=decode), threads) as video:
        return list(video.sampled(sampling)), video.problems, video.irregular


def read_as_the_stage_does(path, threads=1):
    try:
        return read(path, "needed", threads=threads)
    except IrregularVideo as error:
        frames, problems, _ = read(path, "all")
        return frames, problems, str(error)


def assert_same(found, expected):
    """Two readings agree in every field and pixel."""
    assert [(f.index, f.time_s) for f in found[0]] == [(f.index, f.time_s) for f in expected[0]]
    assert all(np.array_equal(f.image, e.image) for f, e in zip(found[0], expected[0], strict=True))
    assert found[1] == expected[1]


@pytest.mark.parametrize("name", ENCODED)
def test_frames_are_true_to_time_however_little_is_decoded(name, clip_folder):
    clip = ENCODED[name]
    path = write(clip_folder / name, clip)
    truth = presentation_times_s(path)
    numbers = range(len(truth)) if clip.numbers is None else clip.numbers
    expected = expected_frames(truth)
    frames, problems, irregular = found = read(path, "needed")
    assert [(f.index, number_in(f.image)) for f in frames] == [(i, numbers[i]) for i, _ in expected]
    assert all(abs(f.time_s - true_s) <= MS for f, (_, true_s) in zip(frames, expected, strict=True))
    assert problems == []
    assert (irregular == "") == clip.partly, irregular
    assert_same(found, read(path, "all"))
    assert_same(read(path, "needed", threads=3), found)
    assert_same(read(path, "needed", "every_30th_frame"), read(path, "all", "every_30th_frame"))


def decoded_packets(path, wanted):
    """Positions of the packets that frames number ``wanted`` need, beyond those always decoded."""
    index = read_packets(path, 0)
    decode = plan_decoding(index, index.shown[wanted]).decode
    return index, [position for position in np.flatnonzero(decode).tolist() if position >= ALWAYS_DECODED]


def test_of_keyframes_on_seconds_only_these_are_decoded(clip_folder):
    path = write(clip_folder / "key_on_seconds.mp4", ENCODED["key_on_seconds.mp4"])
    assert decoded_packets(path, np.array([0, 30, 60, 90]))[1] == [30, 60, 90]


def test_from_the_last_keyframe_to_the_frame_only_what_others_refer_to(clip_folder):
    """Without a pyramid, each fifth B-frame run hangs on two P-frames; only the wanted one is decoded."""
    name = "b_without_pyramid.mp4"
    index, decoded = decoded_packets(write(clip_folder / name, ENCODED[name]), np.array([58]))
    wanted = int(index.shown[58])
    assert 45 < wanted < 65
    chain = [p for p in range(45, wanted) if not index.droppable[p]]
    assert decoded == [*chain, wanted]
    assert len(chain) <= 4


@pytest.mark.parametrize(
    "name",
    ["b_pyramid.mp4", "open_gop.ts", "open_gop_hevc.mp4", "temporal_layers_hevc.mp4", "leading_hevc.mp4"],
)
def test_any_frame_alone_is_that_of_a_full_decode(name, clip_folder):
    """Whatever its place between keyframes, shown before or after the one that its decoding begins with."""
    path = write(clip_folder / name, ENCODED[name])
    index = read_packets(path, 0)
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray() for frame in container.decode(video=0)]
    for number in range(len(pictures)):
        plan = plan_decoding(index, index.shown[[number]])
        with av.open(str(path)) as container:
            frames = decode_planned(container, container.streams.video[0], index, plan)
            given = {frame.pts: frame.to_ndarray() for frame in frames}
        assert np.array_equal(given[int(index.pts[index.shown[number]])], pictures[number]), number


CUTS = {"b_pyramid.mp4": "0.65", "key_every_7.mp4": "1.1", "open_gop.mp4": "0.9", "open_gop_hevc.mp4": "1.1"}


@pytest.mark.parametrize("name", CUTS)
def test_an_edit_list_hides_frames_that_others_refer_to(name, clip_folder):
    """Cut without encoding, the file begins with hidden frames, and with times below 0."""
    path = clip_folder / f"cut_{name}"
    ffmpeg("-ss", CUTS[name], "-i", write(clip_folder / name, ENCODED[name]), "-c", "copy", path)
    expected = expected_frames(presentation_times_s(path))
    found = read(path, "needed")
    assert [frame.index for frame in found[0]] == [index for index, _ in expected]
    assert [float(f.time_s) for f in found[0]] == pytest.approx([float(t) for _, t in expected], abs=1e-3)
    shown = [number_in(frame.image) for frame in found[0]]
    assert np.diff(shown).tolist() == [30] * (len(shown) - 1)
    assert (found[2] == "") == (name != "open_gop.mp4")
    assert_same(found, read(path, "all"))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_and_after_its_sound(degrees, clip_folder):
    """A phone clip: its video begins later than its sound and lies on its side."""
    upright = write(clip_folder / "b_pyramid.mp4", ENCODED["b_pyramid.mp4"])
    path = clip_folder / f"turned_{degrees}.mov"
    sound = ("-f", "lavfi", "-i", "sine=d=4")
    turned = ("-itsoffset", "0.73", "-display_rotation", degrees, "-i", upright)
    ffmpeg(*sound, *turned, "-map", "0", "-map", "1", "-c:v", "copy", path)
    found = read(path, "needed")
    assert_same(found, read(path, "all"))
    assert found[2] == ""
    assert float(found[0][0].time_s) == pytest.approx(0.73, abs=1e-3)
    turned_back = [np.rot90(frame.image, -degrees // 90) for frame in found[0]]
    assert [number_in(picture) for picture in turned_back] == [frame.index for frame in found[0]]


def test_files_put_together(clip_folder):
    """A jump in time, a clip twice, a change of size: each is decoded whole."""
    first = write(clip_folder / "at_10.ts", Clip(x264("-output_ts_offset", "10")))
    later = write(clip_folder / "at_20.ts", Clip(x264("-output_ts_offset", "20")))
    large = write(clip_folder / "larger.ts", Clip(x264("-output_ts_offset", "13.5", "-vf", "scale=128:96")))
    for name, parts in {"jump": (first, later), "twice": (first, first), "sizes": (first, large)}.items():
        path = clip_folder / f"{name}.ts"
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        found = read_as_the_stage_does(path)
        assert found[2] != ""
        assert_same(found, read(path, "all"))
        assert (found[1] != []) == (name == "twice")
    assert {frame.image.shape for frame in found[0]} == {(48, 64, 3), (96, 128, 3)}


def damaged_copies(path, folder):
    """The file cut off, with zeros in it, with bits changed, with a stretch missing."""
    whole = path.read_bytes()
    third, size = len(whole) // 3, len(whole)
    changed, rng = bytearray(whole), np.random.default_rng(0)
    for at in rng.integers(size // 4, size, 40):
        changed[at] ^= 1 << int(rng.integers(8))
    copies = {
        "cut_off": whole[: size * 7 // 10],
        "zeros": whole[: 2 * third] + bytes(400) + whole[2 * third + 400 :],
        "changed": bytes(changed),
        "missing": whole[:third] + whole[third + 376 :],
    }
    for kind, content in copies.items():
        copy = folder / f"{kind}_{path.name}"
        copy.write_bytes(content)
        yield copy


@pytest.mark.parametrize("name", ["fragmented.mp4", "clip.mkv", "clip.ts", "slices.ts", "clip.flv"])
def test_damage_gives_what_a_full_decode_gives(name, clip_folder, tmp_path):
    """On noise, whose packets are long: nearly all damage meets samples, as it does in real videos."""
    path = clip_folder / f"noise_{name}"
    ffmpeg(*NOISE, *ENCODED[name].encode, "-pix_fmt", "yuv420p", path)
    whole = 0
    for copy in damaged_copies(path, tmp_path):
        expected = read(copy, "all")
        for threads in (1, 3):
            found = read_as_the_stage_does(copy, threads)
            assert_same(found, expected)
            whole += found[2] != ""
    assert whole > 0


def test_a_packet_lost_or_announced_wrongly_is_noticed_late(clip_folder):
    """Nothing in the packets shows it; the frames do, and if only those of the first packets."""
    pyramid, keys = (
        write(clip_folder / name, ENCODED[name]) for name in ("b_pyramid.mp4", "key_on_seconds.mp4")
    )
    lost = f"noise=drop=eq(n\\,{decoded_packets(pyramid, np.array([30]))[1][0]})"
    for source, bitstream in ((pyramid, lost), (keys, "setts=pts=DTS")):
        path = clip_folder / f"{bitstream[:5]}.mkv"
        ffmpeg("-i", source, "-c", "copy", "-bsf:v", bitstream, path)
        with pytest.raises(IrregularVideo):
            read(path, "needed")
        assert_same(read_as_the_stage_does(path), read(path, "all"))


def test_a_file_that_became_shorter_is_noticed(clip_folder):
    path, short = write(clip_folder / "clip.mkv", ENCODED["clip.mkv"]), clip_folder / "short.mkv"
    ffmpeg("-i", path, "-c", "copy", "-frames:v", "48", short)
    index = read_packets(path, 0)
    plan = plan_decoding(index, index.shown[[90]])
    with av.open(str(short)) as container, pytest.raises(IrregularVideo, match="give no frame"):
        list(decode_planned(container, container.streams.video[0], index, plan))


def test_the_stage_begins_again_where_a_video_turns_out_irregular(clip_folder, tmp_path):
    lost, keys = clip_folder / "lost_again.mkv", write(clip_folder / "slices.mp4", ENCODED["slices.mp4"])
    pyramid = write(clip_folder / "b_pyramid.mp4", ENCODED["b_pyramid.mp4"])
    position = decoded_packets(pyramid, np.array([60]))[1][0]
    ffmpeg("-i", pyramid, "-c", "copy", "-bsf:v", f"noise=drop=eq(n\\,{position})", lost)
    videos = [IndexedVideo(path.stem, "own", str(path), "0000") for path in (lost, keys)]
    written = {}
    for decode, threads in (("needed", 1), ("needed", 4), ("all", 1)):
        folder = tmp_path / f"{decode}{threads}"
        folder.mkdir()
        files = FramesFiles(folder / "frames.arrow", folder / "hashes.parquet", folder / "status.parquet")
        extract_shard(videos, files, FramesSettings(decode=decode), threads)
        written[decode, threads] = [path.read_bytes() for path in sorted(folder.glob("*.*"))]
    assert len(written["all", 1]) == 3
    assert written["needed", 1] == written["needed", 4] == written["all", 1]


@pytest.mark.realdata
def test_real_videos(realdata):
    paths = sorted(realdata.glob("*/*.mp4"))
    assert paths
    for path in paths:
        found = read(path, "needed")
        assert_same(found, read(path, "all"))
        assert found[2] == "", path

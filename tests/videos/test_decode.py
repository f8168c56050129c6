"""Frames, times and pictures of real files, against the ffmpeg program."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numbered_clips import (
    CLIPS,
    HEIGHT,
    MS,
    WIDTH,
    expected_frames,
    ffmpeg,
    number_in,
    numbered_picture,
    presentation_times_s,
    steady,
)

from simhand.settings.frames import FramesSettings
from simhand.videos.ffmpeg_decode import FfmpegVideo
from simhand.videos.pictures import Pictures
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.sampling import last_frame_per_second
from simhand.videos.video_file import VideoError


@pytest.mark.parametrize("name", CLIPS)
def test_times_and_pictures_are_true(name, make_clip):
    times_s, options = CLIPS[name]
    path = make_clip(name, times_s, **options)
    truth = presentation_times_s(path)
    assert len(truth) == len(times_s)
    with PyavVideo(path) as video:
        found = [
            (frame.index, frame.time_s, number_in(Pictures().upright(frame.image)))
            for frame in last_frame_per_second(video.frames())
        ]
        assert video.problems == []
    assert [(index, number) for index, _, number in found] == [(i, i) for i, _ in expected_frames(truth)]
    for (_, time_s, _), (_, true_s) in zip(found, expected_frames(truth), strict=True):
        assert abs(time_s - true_s) <= MS


@pytest.mark.parametrize("name", ["cut_by_edit_list.mp4", "video_after_audio.mp4"])
def test_stream_and_container_start_apart(name, plain_clip, clip_folder):
    """Cut without encoding, an MP4 keeps hidden frames; delayed, its video starts after its sound."""
    path = clip_folder / name
    if name == "cut_by_edit_list.mp4":
        ffmpeg("-ss", "0.65", "-i", plain_clip, "-c", "copy", path)
    else:
        sound = ("-f", "lavfi", "-i", "sine=d=4", "-itsoffset", "0.73", "-i", plain_clip)
        ffmpeg(*sound, "-map", "0", "-map", "1", "-c:v", "copy", path)
    truth = presentation_times_s(path)
    with PyavVideo(path) as video:
        found = list(last_frame_per_second(video.frames()))
    assert [float(frame.time_s) for frame in found] == pytest.approx(
        [float(time_s) for _, time_s in expected_frames(truth)], abs=1e-3
    )
    if name == "video_after_audio.mp4":
        assert float(found[0].time_s) == pytest.approx(0.73, abs=1e-3)


@pytest.mark.parametrize("how", ["rotation:90", "rotation:180", "rotation:270", "hflip", "vflip"])
def test_shown_as_metadata_say(how, plain_clip, clip_folder):
    kind, _, angle = how.partition(":")
    option = ["-display_rotation", angle] if kind == "rotation" else [f"-display_{kind}"]
    path, shown = clip_folder / f"{kind}{angle}.mp4", clip_folder / f"{kind}{angle}.png"
    ffmpeg(*option, "-i", plain_clip, "-c", "copy", path)
    ffmpeg("-ss", "2.95", "-i", path, "-frames:v", "1", "-update", "1", shown)
    with PyavVideo(path) as video:
        frames = [Pictures().upright(frame.image) for frame in video.frames()]
    truth = cv2.imread(str(shown))
    assert frames[30].shape == truth.shape
    assert np.abs(frames[30].astype(int) - truth).mean() < 3
    assert np.abs(upside_down(frames[30]).astype(int) - truth).mean() > 20


def upside_down(picture):
    return picture[::-1, ::-1]


def test_colours_are_those_of_ffmpeg(clip_folder):
    for matrix in ("bt709", "smpte170m"):
        path, shown = clip_folder / f"{matrix}.mp4", clip_folder / f"{matrix}.png"
        tagged = ["-colorspace", matrix, "-color_primaries", matrix, "-color_trc", matrix]
        convert = f"scale=out_color_matrix={matrix},format=yuv420p"
        ffmpeg("-f", "lavfi", "-i", "smptebars=s=64x48:r=1:d=1", "-vf", convert, *tagged, "-crf", "1", path)
        ffmpeg("-i", path, "-frames:v", "1", "-update", "1", shown)
        with PyavVideo(path) as video:
            picture = Pictures().upright(next(iter(video.frames())).image)
        assert np.abs(picture.astype(int) - cv2.imread(str(shown))).mean() < 2, matrix


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("decoder", [PyavVideo, FfmpegVideo])
def test_pictures_are_scaled_to_a_height_as_displayed(decoder, rotation, clip_folder):
    """By averaging over areas, as close as two converters of colour come; what is small enough stays."""
    large, path = clip_folder / "large.mp4", clip_folder / f"large_{rotation}.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=320x240:r=5:d=1,gblur=3", "-pix_fmt", "yuv420p", "-crf", "10", large
    )
    ffmpeg("-display_rotation", str(rotation), "-i", large, "-c", "copy", path)
    pictures = {}
    for height in (None, 100, 1000):
        with decoder(path, FramesSettings(max_height_px=height)) as video:
            pictures[height] = next(video.sampled("every_second")).image
    size = (133, 100) if rotation == 0 else (75, 100)
    averaged = cv2.resize(pictures[None], size, interpolation=cv2.INTER_AREA)
    assert pictures[100].shape == averaged.shape
    assert np.abs(pictures[100].astype(int) - averaged).mean() < 2.5
    assert pictures[1000].shape == pictures[None].shape
    assert np.abs(pictures[1000].astype(int) - pictures[None]).mean() < (1 if decoder is PyavVideo else 2.5)


def test_size_may_change_in_mid_stream(clip_folder, plain_clip):
    """Joined transport streams: the clock of the frames must run on through the change."""
    small, large = clip_folder / "small.ts", clip_folder / "large.ts"
    ffmpeg("-i", plain_clip, "-c:v", "libx264", "-output_ts_offset", "10", small)
    ffmpeg("-i", plain_clip, "-vf", "scale=128:96", "-c:v", "libx264", "-output_ts_offset", "13.3", large)
    joined = clip_folder / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with PyavVideo(joined) as video:
        found = list(last_frame_per_second(video.frames()))
        sizes = [Pictures().upright(frame.image).shape[0] for frame in found]
    starts = np.array([float(frame.time_s) for frame in found])
    assert np.diff(starts) == pytest.approx(1, abs=1e-3)
    assert sizes == [48] * 4 + [96] * 3


def test_raw_stream_without_times_is_taken_as_constant(plain_clip, clip_folder):
    raw = clip_folder / "raw.h264"
    ffmpeg("-i", plain_clip, "-c", "copy", raw)
    with PyavVideo(raw) as video:
        times_s = [frame.time_s for frame in video.frames()]
    assert times_s == [n * Fraction(1, 25) for n in range(33)]


def test_probe(make_clip):
    path = make_clip(
        "probe.mkv", steady("25", seconds=2, start=Fraction(1, 2)), rate=Fraction(25), time_base=MS
    )
    with PyavVideo(path) as video:
        probe = video.probe()
    assert (probe.width, probe.height, probe.codec, probe.fps) == (WIDTH, HEIGHT, "h264", 25.0)
    assert probe.bytes == path.stat().st_size
    assert probe.start_time_s == pytest.approx(0.5)


def test_half_an_mp4_gives_its_first_half(plain_clip, clip_folder):
    whole = clip_folder / "index_first.mp4"
    ffmpeg("-i", plain_clip, "-vf", "noise=alls=60", "-g", "5", "-movflags", "+faststart", whole)
    half = clip_folder / "half.mp4"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with PyavVideo(half) as video:
        frames = list(last_frame_per_second(video.frames()))
    assert 1 <= len(frames) < 4
    assert video.problems[0].startswith("truncated: ")
    assert "of 3.3 s could be read" in video.problems[0]


def test_timestamps_that_run_backwards_are_left_out_and_told(clip_folder, plain_clip):
    part = clip_folder / "part.ts"
    ffmpeg("-i", plain_clip, "-c:v", "libx264", "-output_ts_offset", "5", part)
    twice = clip_folder / "twice.ts"
    twice.write_bytes(part.read_bytes() * 2)
    with PyavVideo(twice) as video:
        times_s = [frame.time_s for frame in video.frames()]
    assert times_s == sorted(times_s)
    assert any("run backwards" in problem for problem in video.problems)


def test_a_huge_gap_ends_the_video(make_clip):
    path = make_clip("gap.mkv", [0, 1, 2, 100_000], time_base=MS)
    with PyavVideo(path) as video:
        assert len(list(last_frame_per_second(video.frames()))) == 3
    assert video.problems == ["timestamps jump by 99998 s; stopped there"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.mp4", "cannot be found: No such file or directory"),
        ("zero.mp4", "0 bytes"),
        ("text.mp4", "not a video"),
        ("cut.mp4", "truncated: its table of contents (moov) is missing"),
        ("sound.mp4", "no video stream"),
        ("song_with_cover.mp4", "no video stream"),
    ],
)
def test_what_cannot_be_read_is_named(name, reason, plain_clip, tmp_path):
    path = tmp_path / name
    if name == "zero.mp4":
        path.write_bytes(b"")
    elif name == "text.mp4":
        path.write_text("This is a shopping list.\n" * 50)
    elif name == "cut.mp4":
        path.write_bytes(plain_clip.read_bytes()[: plain_clip.stat().st_size // 2])
    elif name == "sound.mp4":
        ffmpeg("-f", "lavfi", "-i", "sine=d=1", path)
    elif name == "song_with_cover.mp4":
        cv2.imwrite(str(tmp_path / "cover.png"), numbered_picture(5))
        sound = ("-f", "lavfi", "-i", "sine=d=1", "-i", tmp_path / "cover.png")
        ffmpeg(*sound, "-map", "0", "-map", "1", "-c:v", "png", "-disposition:v:0", "attached_pic", path)
    with pytest.raises(VideoError) as caught, PyavVideo(path) as video:
        list(video.frames())
    assert str(caught.value) == reason

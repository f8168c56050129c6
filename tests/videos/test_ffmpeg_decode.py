"""The ffmpeg program as decoder: the same frames as PyAV, or a refusal in words."""

import gc
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest
from numbered_clips import CLIPS, MS, ffmpeg, number_in, numbered_picture, write_clip

from simhand.errors import ConfigError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.settings.frames import FramesSettings
from simhand.videos import ffmpeg_decode, ffmpeg_program
from simhand.videos.extract import extract_shard
from simhand.videos.ffmpeg_decode import FfmpegVideo
from simhand.videos.index_table import IndexedVideo
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.video_file import VideoError

SAMPLINGS = ("every_second", "every_30th_frame")


def read(decoder, path, sampling="every_second"):
    with decoder(path) as video:
        return list(video.sampled(sampling)), video.problems, video.probe()


def assert_agree(path, sampling="every_second", problems=()):
    """Both decoders give the same frames, with nearly the same pictures; gives those of ffmpeg."""
    expected, _, headers = read(PyavVideo, path, sampling)
    found, told, probe = read(FfmpegVideo, path, sampling)
    assert [(frame.index, frame.time_s) for frame in found] == [(f.index, f.time_s) for f in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.image.shape == theirs.image.shape
        assert np.abs(ours.image.astype(int) - theirs.image).mean() < 2
    assert [problem.split(":")[0] for problem in told] == list(problems)
    assert repr(probe) == repr(headers)
    return found


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", CLIPS)
def test_agrees_on_every_kind_of_timing(name, sampling, make_clip):
    times_s, options = CLIPS[name]
    for frame in assert_agree(make_clip(name, times_s, **options), sampling):
        assert number_in(frame.image) == frame.index


@pytest.mark.parametrize("how", ["rotation:90", "rotation:180", "rotation:270", "hflip"])
def test_agrees_on_what_is_shown_turned(how, plain_clip, tmp_path):
    kind, _, angle = how.partition(":")
    path = tmp_path / "turned.mp4"
    option = ["-display_rotation", angle] if kind == "rotation" else [f"-display_{kind}"]
    ffmpeg(*option, "-i", plain_clip, "-c", "copy", path)
    frames = assert_agree(path)
    assert frames[0].image.shape == ((64, 48, 3) if angle in ("90", "270") else (48, 64, 3))


@pytest.mark.parametrize("name", ["cut_by_edit_list.mp4", "video_after_audio.mp4", "raw.h264", "a:b 'c',[d].mp4"])
def test_agrees_where_starts_or_names_are_odd(name, plain_clip, tmp_path):
    path = tmp_path / name
    if name == "cut_by_edit_list.mp4":
        ffmpeg("-ss", "0.65", "-i", plain_clip, "-c", "copy", path)
    elif name == "video_after_audio.mp4":
        sound = ("-f", "lavfi", "-i", "sine=d=4", "-itsoffset", "0.73", "-i", plain_clip)
        ffmpeg(*sound, "-map", "0", "-map", "1", "-c:v", "copy", path)
    else:
        ffmpeg("-i", plain_clip, "-c", "copy", f"file:{path}")
    assert_agree(path)


def test_a_last_frame_that_lasts_is_given_for_its_first_second_only(tmp_path):
    """Filter fps fills its 7 s too: pictures larger than a pipe, that must not be waited for."""
    path = tmp_path / "lasting.mkv"
    picture = "color=c=gray:s=640x480:r=1/7:d=14"
    ffmpeg("-f", "lavfi", "-i", picture, "-c:v", "mjpeg", path)
    assert len(assert_agree(path)) == 8


def test_agrees_on_a_gap_and_on_times_that_run_backwards(make_clip, plain_clip, tmp_path):
    gap = make_clip("wide_gap.mkv", [0, 1, 2, 100_000], time_base=MS)
    frames, problems, _ = read(FfmpegVideo, gap)
    assert ([frame.index for frame in frames], problems) == (
        [0, 1, 2],
        ["timestamps jump by 99998 s; stopped there"],
    )
    part, twice = tmp_path / "part.ts", tmp_path / "twice.ts"
    ffmpeg("-i", plain_clip, "-c:v", "libx264", "-output_ts_offset", "5", part)
    twice.write_bytes(part.read_bytes() * 2)
    frames, problems, _ = read(FfmpegVideo, twice)
    assert [frame.time_s for frame in frames] == [frame.time_s for frame in read(PyavVideo, twice)[0]]
    assert any("run backwards" in problem for problem in problems)


def test_agrees_on_half_a_video(plain_clip, tmp_path):
    whole, half = tmp_path / "whole.mp4", tmp_path / "half.mp4"
    ffmpeg("-i", plain_clip, "-vf", "noise=alls=60", "-g", "5", "-movflags", "+faststart", whole)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    frames, problems, _ = read(FfmpegVideo, half)
    expected, _, _ = read(PyavVideo, half)
    assert [(f.index, f.time_s) for f in frames] == [(f.index, f.time_s) for f in expected]
    assert problems[0].startswith("truncated: ")


def test_a_change_of_size_is_refused(plain_clip, tmp_path):
    small, large, joined = tmp_path / "small.ts", tmp_path / "large.ts", tmp_path / "joined.ts"
    ffmpeg("-i", plain_clip, "-c:v", "libx264", "-output_ts_offset", "10", small)
    ffmpeg("-i", plain_clip, "-vf", "scale=128:96", "-c:v", "libx264", "-output_ts_offset", "13.3", large)
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(VideoError, match="afresh after frame 33, .*frames.decoder: pyav"):
        read(FfmpegVideo, joined)

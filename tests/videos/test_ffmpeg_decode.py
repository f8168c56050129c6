"""The ffmpeg program as decoder: the same frames as PyAV, or a refusal in words."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from numbered_clips import CLIPS, MS, ffmpeg, number_in

from simhand.errors import ConfigError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.settings.frames import FramesSettings
from simhand.videos import ffmpeg_program
from simhand.videos.extract import FramesFiles, extract_shard
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


ODD = ["cut_by_edit_list.mp4", "video_after_audio.mp4", "raw.h264", "a:b 'c',[d].mp4"]


@pytest.mark.parametrize("name", ODD)
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


REFUSED = {
    "missing.mp4": "cannot be found: No such file or directory",
    "zero.mp4": "0 bytes",
    "text.mp4": "not a video",
    "cut.mp4": "truncated: its table of contents (moov) is missing",
    "sound.mp4": "no video stream",
}


def test_a_shard_has_the_same_rows_whatever_the_decoder(plain_clip, tmp_path):
    (tmp_path / "zero.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("This is a shopping list.\n" * 50)
    (tmp_path / "cut.mp4").write_bytes(plain_clip.read_bytes()[: plain_clip.stat().st_size // 2])
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "sound.mp4")
    paths = [plain_clip, *(tmp_path / name for name in REFUSED)]
    videos = [IndexedVideo(path.stem, "own", str(path), "0000") for path in paths]
    tables = {}
    for decoder in ("pyav", "ffmpeg"):
        frames, status = tmp_path / f"{decoder}.arrow", tmp_path / f"{decoder}.parquet"
        settings = FramesSettings(decoder=decoder, max_failed_fraction=1, max_height_px=24)
        files = FramesFiles(frames, tmp_path / f"{decoder}.hashes.parquet", status)
        extract_shard(videos, files, settings, 1)
        with PackedReader(frames, "frames") as reader:
            rows = reader.table(["video_id", "frame_index", "timestamp_s", "width", "height"]).to_pylist()
            pictures = [cv2.imdecode(np.frombuffer(reader.image(i), np.uint8), 1) for i in range(len(rows))]
        tables[decoder] = (rows, read_table(status, "frames_status").to_pylist())
        assert [number_in(cv2.resize(picture, (64, 48))) for picture in pictures] == [0, 10, 20, 30]
    assert repr(tables["ffmpeg"]) == repr(tables["pyav"])
    assert [row["reason"] for row in tables["ffmpeg"][1]] == ["", *REFUSED.values()]


def test_a_change_of_size_is_refused(plain_clip, tmp_path):
    small, large, joined = tmp_path / "small.ts", tmp_path / "large.ts", tmp_path / "joined.ts"
    ffmpeg("-i", plain_clip, "-c:v", "libx264", "-output_ts_offset", "10", small)
    ffmpeg("-i", plain_clip, "-vf", "scale=128:96", "-c:v", "libx264", "-output_ts_offset", "13.3", large)
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(VideoError, match="afresh after frame 33, .*frames.decoder: pyav"):
        read(FfmpegVideo, joined)


SPEAKS = "print('[showinfo@{} @ 0x1] [info] config in time_base: 1/10', file=sys.stderr, flush=True)"
TELLS = "print('[showinfo@{} @ 0x1] [info] n: {} pts: {} fmt:bgr24 s:2x2 ', file=sys.stderr, flush=True)"


def pretending(monkeypatch, *lines):
    """Make the decoder start a Python program in place of ffmpeg."""
    start = [SPEAKS.format(place) for place in ("decoded", "taken")]
    program = "\n".join(["import os, sys, time", *start, *lines])
    monkeypatch.setattr(FfmpegVideo, "_command", lambda video, sampling: [sys.executable, "-c", program])


def picture_of(time_10th_s, number):
    return [TELLS.format("taken", number, time_10th_s), "os.write(1, bytes(12))"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (picture_of(0, 0), "took no frame where its timestamps call for one at 1 s"),
        (
            [*picture_of(0, 0), *picture_of(5, 1)],
            "took one for 0.5 s where its timestamps call for one at 1 s",
        ),
        ([*picture_of(0, 0), *picture_of(10, 1), *picture_of(12, 2)], "took 1 frames more"),
        ([*picture_of(0, 0), TELLS.format("taken", 1, 10)], "took no frame where its timestamps"),
    ],
)
def test_pictures_that_do_not_match_the_times_are_refused(lines, reason, plain_clip, monkeypatch):
    """Frames at 0, 0.5 and 1.2 s call for two pictures, at 0 and 1 s."""
    shown = [TELLS.format("decoded", n, time_s) for n, time_s in enumerate((0, 5, 12))]
    pretending(monkeypatch, *shown, *lines)
    with pytest.raises(VideoError, match=reason):
        read(FfmpegVideo, plain_clip)


def test_what_ffmpeg_says_when_it_fails_is_told(plain_clip, monkeypatch):
    pretending(monkeypatch, "print('[h264 @ 0x2] [error] no such luck', file=sys.stderr)", "sys.exit(3)")
    with pytest.raises(VideoError, match="^ffmpeg ended with code 3: no such luck$"):
        read(FfmpegVideo, plain_clip)


def is_running(process_id):
    """Whether a process runs; one that ended and was not waited for by its new parent does not."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_closing_in_the_middle_ends_ffmpeg(plain_clip, monkeypatch):
    pretending(
        monkeypatch,
        *(TELLS.format("decoded", n, 10 * n) for n in (0, 1)),
        *picture_of(0, 0),
        "time.sleep(600)",
    )
    with FfmpegVideo(plain_clip) as video:
        assert next(video.sampled("every_second")).index == 0
        process = video._output._process
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the child on Linux only")
def test_a_killed_worker_takes_its_ffmpeg_along(tmp_path):
    """Its ffmpeg is stuck and writes nothing, so no broken pipe would end it."""
    program = "import subprocess, sys; from simhand.videos.ffmpeg_decode import _Output; import time\n"
    program += "output = _Output(['sleep', '600']); print(output._process.pid, flush=True); time.sleep(600)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    with worker:
        child = int(worker.stdout.readline())
        assert is_running(child)
        worker.kill()
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def test_the_program_of_the_system_comes_first(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg_program.ffmpeg_program() == str(program)
    program.unlink()
    assert os.access(ffmpeg_program.ffmpeg_program(), os.X_OK)
    monkeypatch.setattr(ffmpeg_program.imageio_ffmpeg, "get_ffmpeg_exe", no_program)
    with pytest.raises(ConfigError, match="frames.decoder: pyav"):
        ffmpeg_program.ffmpeg_program()


def no_program():
    raise RuntimeError("No ffmpeg exe could be found")

"""Folders of frames as the released scripts write them."""

import json
import logging
import os
import shutil
import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
from numbered_clips import number_in, numbered_picture, steady, write_clip

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.settings.frames import FramesSettings
from simhand.settings.frames_source import FramesSource
from simhand.videos.decoders import open_video
from simhand.videos.index import update_index
from simhand.videos.sources.listing import list_videos
from simhand.videos.video_file import VideoError
from simhand.videos.video_list import RELEASED_HEADER

UID = "0b0c7c26-8f38-4a22-8a9e-b99e4ae334fc"


def source(path, **options):
    return FramesSource(kind="frames", path=str(path), **options)


def write_frames(folder, *numbers, suffix=".jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"frame_{number:06d}{suffix}"), numbered_picture(number))
    return folder


def read(folder, sampling="every_second", **options):
    with open_video(folder, FramesSettings(), 1, source(folder.parent, **options)) as video:
        frames = list(video.sampled(sampling))
        return frames, video.problems, video.probe()


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """What `ego4d_process.py` leaves of a clip of 5 s at 30 fps: every 30th frame, in full, as JPEG."""
    folder = tmp_path_factory.mktemp("released")
    clip = write_clip(folder / "clip.mp4", steady("30", 5.0))
    (folder / "frames" / UID).mkdir(parents=True)
    capture, number = cv2.VideoCapture(str(clip)), 0
    while (read := capture.read())[0]:
        if number % 30 == 0:
            cv2.imwrite(str(folder / "frames" / UID / f"frame_{number:06d}.jpg"), read[1])
        number += 1
    assert number == 150
    return folder / "frames"


@pytest.fixture(scope="module")
def script(repository):
    """Runs the stage on one shard; gives the rows of the frames, their bytes and the status rows."""

    def run(root, index, **settings):
        command = [sys.executable, repository / "workflow_scripts/extract_frames.py", "--index", index]
        command += ["--source", "own", "--shard", "0000", "--source-settings", source(root).model_dump_json()]
        command += ["--frames", index.parent / "0.arrow", "--hashes", index.parent / "0.hashes.parquet"]
        command += ["--status", index.parent / "0.status.parquet"]
        subprocess.run([*command, "--settings", json.dumps(settings)], check=True)
        with PackedReader(index.parent / "0.arrow", "frames") as reader:
            rows = reader.table(["video_id", "frame_index", "timestamp_s", "width", "height"]).to_pylist()
            jpegs = [bytes(reader.image(row)) for row in range(len(reader))]
        return rows, jpegs, read_table(index.parent / "0.status.parquet", "frames_status").to_pylist()

    return run


@pytest.mark.parametrize("sampling", ["every_second", "every_30th_frame"])
def test_released_frames_are_packed_byte_for_byte(released, script, tmp_path, sampling):
    update_index(tmp_path / "videos.tsv", {"own": source(released)}, 9)
    rows, jpegs, status = script(released, tmp_path / "videos.tsv", sampling=sampling, jpeg_quality=1)
    numbers = [0, 30, 60, 90, 120]
    assert [(row["video_id"], row["frame_index"], row["timestamp_s"]) for row in rows] == [
        (UID, number, number / 30) for number in numbers
    ]
    assert jpegs == [(released / UID / f"frame_{number:06d}.jpg").read_bytes() for number in numbers]
    assert {(row["width"], row["height"]) for row in rows} == {(64, 48)}
    told = status[0]
    assert (told["ok"], told["frames"], told["reason"], told["codec"]) == (True, 5, "", "mjpeg")
    assert (told["duration_s"], told["fps"], told["start_time_s"]) == (4, 30, 0)
    assert (told["width"], told["height"], told["bytes"]) == (64, 48, sum(map(len, jpegs)))


def test_scaled_frames_are_encoded_anew(released, script, tmp_path):
    update_index(tmp_path / "videos.tsv", {"own": source(released)}, 9)
    rows, jpegs, _ = script(released, tmp_path / "videos.tsv", max_height_px=24)
    assert {(row["width"], row["height"]) for row in rows} == {(32, 24)}
    pictures = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1) for jpeg in jpegs]
    assert {picture.shape for picture in pictures} == {(24, 32, 3)}
    assert [number_in(cv2.resize(picture, (64, 48))) for picture in pictures] == [0, 30, 60, 90, 120]


@pytest.mark.parametrize("fps", ["24", "25", "30", "29.97", "60"])
def test_every_second_takes_the_last_frame_shown_by_then(tmp_path, fps):
    """Against the definition: for each t, the greatest n with n / fps <= t."""
    numbers = list(range(0, 601, 30))
    folder = write_frames(tmp_path / "v", *numbers)
    frames, problems, _ = read(folder, fps=float(fps))
    rate = Fraction(fps)
    wanted = [max(n for n in numbers if n / rate <= t) for t in range(int(600 / rate) + 1)]
    assert [frame.index for frame in frames] == wanted
    assert [frame.time_s for frame in frames] == [n / rate for n in wanted]
    assert [number_in(frame.image) for frame in frames] == wanted
    assert problems == []


def test_every_30th_frame_goes_by_the_number(tmp_path):
    folder = write_frames(tmp_path / "v", 0, 15, 29, 30, 45, 60, 61)
    frames, _, _ = read(folder, "every_30th_frame")
    assert [frame.index for frame in frames] == [0, 30, 60]
    with pytest.raises(VideoError, match="no frame has a number that is sampled"):
        read(write_frames(tmp_path / "w", 31, 61), "every_30th_frame")


def test_frames_are_ordered_by_number_and_may_be_png(tmp_path):
    folder = write_frames(tmp_path / "v", 999990, 1000020, 1000050, suffix=".png")
    write_frames(folder, 1000080, suffix=".JPEG")
    frames, problems, probe = read(folder)
    assert [frame.index for frame in frames] == [999990, 1000020, 1000050, 1000080]
    assert [frame.jpeg is None for frame in frames] == [True, True, True, False]
    assert [(frame.image == numbered_picture(frame.index)).all() for frame in frames[:3]] == [True] * 3
    assert (problems, probe.codec, probe.start_time_s, probe.duration_s) == ([], "png", 33333.0, 3.0)


def test_bad_images_are_told_and_never_replaced(tmp_path):
    folder = write_frames(tmp_path / "v", 0, 30, 60, 90, 120, 150)
    whole = (folder / "frame_000030.jpg").read_bytes()
    (folder / "frame_000030.jpg").write_bytes(b"")
    (folder / "frame_000060.jpg").write_bytes(whole[:-20])
    (folder / "frame_000090.jpg").write_text("no image")
    (folder / "frame_000120.jpg").unlink()
    (folder / "frame_000120.jpg").symlink_to("nowhere")
    frames, problems, probe = read(folder)
    assert [frame.index for frame in frames] == [0, 150]
    assert problems == ["4 images cannot be read: frame_000030.jpg, frame_000060.jpg, frame_000090.jpg ..."]
    assert (probe.width, probe.duration_s) == (64, 5)
    for number in (0, 150):
        (folder / f"frame_{number:06d}.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(VideoError, match="^6 images cannot be read"):
        read(folder)


def test_gaps_doubles_and_jumps_are_told(tmp_path):
    folder = write_frames(tmp_path / "v", 0, 30, 60, 150, 180, 210)
    write_frames(folder, 30, suffix=".png")
    for other in ("Thumbs.db", "frame_000060.jpg.part", "frame_x.jpg", "old_frame_000045.jpg"):
        (folder / other).touch()
    frames, problems, _ = read(folder)
    assert [frame.index for frame in frames] == [0, 30, 60, 60, 60, 150, 180, 210]
    assert problems == [
        "frame_000030.png left out: frame_000030.jpg is the same frame",
        "1 gaps in the frame numbers",
    ]
    after_an_hour = 210 + 3601 * 30
    write_frames(folder, after_an_hour)
    frames, problems, _ = read(folder)
    assert frames[-1].index == 210
    assert problems[-1] == f"frame numbers jump from 210 to {after_an_hour}; stopped there"


def test_frame_rates_come_from_the_list(tmp_path, caplog):
    for name in ("-a", UID, "other"):
        write_frames(tmp_path / "f" / name, 0, 30, 60, 90)
    (tmp_path / "doh.txt").write_text("-a diy x 64x48 60/1\n")
    (tmp_path / "ego.txt").write_text(f"{RELEASED_HEADER}\n0 {UID}.mp4 1 4 64 48 91 4 15.0 1.0 0.1\n")
    taken = {
        (name, text): [
            frame.index for frame in read(tmp_path / "f" / name, video_list=str(tmp_path / text))[0]
        ]
        for name in ("-a", UID, "other")
        for text in ("doh.txt", "ego.txt")
    }
    assert taken["-a", "doh.txt"] == [0, 60]
    assert taken[UID, "ego.txt"] == [0, 0, 30, 30, 60, 60, 90]
    assert taken["other", "doh.txt"] == taken["-a", "ego.txt"] == [0, 30, 60, 90]
    _, problems, probe = read(tmp_path / "f/other", fps=25.0, video_list=str(tmp_path / "doh.txt"))
    assert (probe.fps, problems) == (25, ["not in doh.txt: taken as 25 frames per second"])

    list_videos("own", source(tmp_path / "f", fps=25.0, video_list=str(tmp_path / "doh.txt")), None)
    assert caplog.messages == [
        f"sources.own: 2 videos are not in {tmp_path}/doh.txt and taken as 25 frames per second: {UID}, other"
    ]
    (tmp_path / "doh.txt").write_text("video_id a b c frame_rate\n-a diy x 64x48 N/A\n")
    with pytest.raises(DataError, match="line 2: expected a frame rate"):
        list_videos("own", source(tmp_path / "f", video_list=str(tmp_path / "doh.txt")), None)


def test_every_folder_with_frames_is_a_video(tmp_path):
    for name in ("-b", "a", "été/手 1", "été/deep/er"):
        write_frames(tmp_path / "f" / name, 0, 30)
    for name in ("a/thumbnails", ".cache/x"):
        write_frames(tmp_path / "f" / name, 0)
    (tmp_path / "f/a/frame_000060.jpg").touch()
    (tmp_path / "f/empty").mkdir()
    (tmp_path / "f/été/loop").symlink_to(tmp_path / "f")
    rows = update_index(tmp_path / "videos.tsv", {"own": source(tmp_path / "f")}, 9)
    expected = sorted(["-b", "a", "été/deep/er", "été/手 1"])
    assert [row.video_id for row in rows] == [name for name in expected]
    assert [row.path for row in rows] == [f"{tmp_path}/f/{name}" for name in expected]
    with pytest.raises(DataError, match="source name of its own"):
        update_index(tmp_path / "videos.tsv", {"own": source(tmp_path / "f/été/deep/er")}, 9)


@pytest.mark.parametrize("folders_last", [False, True])
def test_no_more_of_a_folder_is_read_than_its_first_frame(tmp_path, monkeypatch, folders_last):
    write_frames(tmp_path / "f/v", *range(200))
    write_frames(tmp_path / "f/v/thumbnails", 0)
    asked = []

    class Counted:
        def __init__(self, folder):
            with scandir(folder) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.is_dir() == folders_last)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __iter__(self):
            for entry in self.entries:
                asked.append(entry.name)
                yield entry

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Counted)
    assert [video.path for video in list_videos("own", source(tmp_path / "f"), None)] == [f"{tmp_path}/f/v"]
    assert len(asked) == (2 if folders_last else 3), "f/v, perhaps its thumbnails, and one frame"


def test_wrong_folders_are_explained(tmp_path):
    write_frames(tmp_path / "f/v", 0)
    for path, message in [
        (tmp_path / "nowhere", r"expected <video id>/frame_000000\.jpg.*in .*nowhere, found no such folder"),
        (tmp_path / "f/v", "expected one folder of frames per video .*give the folder above"),
    ]:
        with pytest.raises(DataError, match=message):
            list_videos("own", source(path), None)
    (tmp_path / "g/v").mkdir(parents=True)
    with pytest.raises(DataError, match="found v; correct the path or rename"):
        list_videos("own", source(tmp_path / "g"), None)
    (tmp_path / "g/v/000001.png").touch()
    with pytest.raises(DataError, match=r"found v/000001\.png; correct the path or rename"):
        list_videos("own", source(tmp_path / "g"), None)


def test_a_folder_that_went_is_a_status_row(released, script, tmp_path, caplog):
    shutil.copytree(released, tmp_path / "f")
    for name in ("gone", "emptied"):
        write_frames(tmp_path / "f" / name, 0)
    with caplog.at_level(logging.WARNING, "simhand"):
        update_index(tmp_path / "videos.tsv", {"own": source(tmp_path / "f")}, 9)
    shutil.rmtree(tmp_path / "f/gone")
    (tmp_path / "f/emptied/frame_000000.jpg").unlink()
    _, jpegs, status = script(tmp_path / "f", tmp_path / "videos.tsv", max_failed_fraction=1)
    assert len(jpegs) == 5
    assert [(row["video_id"], row["ok"], row["reason"]) for row in status] == [
        (UID, True, ""),
        ("emptied", False, "no frame in it: expected names such as frame_000030.jpg"),
        ("gone", False, "cannot be found: No such file or directory"),
    ]

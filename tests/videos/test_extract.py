"""The frames stage on whole shards, sound and broken."""

import logging
import os
import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from numbered_clips import ffmpeg, number_in, write_clip

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table, write_table
from simhand.settings.frames import FramesSettings
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.index_table import IndexedVideo, write_index
from simhand.videos.manifest import write_manifest

COLUMNS = ["video_id", "frame_index", "timestamp_s", "width", "height"]


def in_one_shard(*paths):
    return [IndexedVideo(path.stem, "own", str(path), "0000") for path in paths]


def extract(videos, folder, threads=1, **settings):
    names = ("0000.arrow", "0000.hashes.parquet", "0000.status.parquet")
    frames, hashes, status = (folder / "own" / name for name in names)
    extract_shard(videos, FramesFiles(frames, hashes, status), FramesSettings(**settings), threads)
    with PackedReader(frames, "frames") as reader:
        rows = reader.table(COLUMNS).to_pylist()
        pictures = [cv2.imdecode(np.frombuffer(reader.image(i), np.uint8), 1) for i in range(len(reader))]
    assert sorted(os.listdir(folder / "own")) == sorted(names)
    return rows, pictures, read_table(status, "frames_status").to_pylist()


@pytest.fixture(scope="module")
def mixed_bag(tmp_path_factory, plain_clip):
    """Eight broken or odd videos between three sound ones."""
    folder = tmp_path_factory.mktemp("mixed bag")
    whole = plain_clip.read_bytes()
    write_clip(folder / "a sound one.mp4", [Fraction(n, 5) for n in range(11)], rate=Fraction(5))
    (folder / "b_zero.mp4").write_bytes(b"")
    (folder / "c_text.mp4").write_text("not a video at all\n" * 99)
    (folder / "d_headless.mp4").write_bytes(whole[: len(whole) // 2])
    ffmpeg("-i", plain_clip, "-vf", "noise=alls=60", "-g", "5", "-movflags", "+faststart", folder / "w.mp4")
    noisy = (folder / "w.mp4").read_bytes()
    (folder / "w.mp4").unlink()
    (folder / "e_half.mp4").write_bytes(noisy[: len(noisy) * 6 // 10])
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", folder / "f_sound.mp4")
    write_clip(folder / "g_one_frame.mp4", [0])
    ffmpeg("-display_rotation", "90", "-i", plain_clip, "-c", "copy", folder / "h_rotated.mp4")
    write_clip(folder / "i_vfr.mp4", [0, 0.3, 0.9, 2.5, 2.6, 3.1])
    write_clip(folder / "été 手 j.mp4", [Fraction(n, 5) for n in range(6)], rate=Fraction(5))
    videos = in_one_shard(*sorted(folder.iterdir()))
    videos.insert(5, IndexedVideo("gone", "own", str(folder / "gone.mp4"), "0000"))
    return videos


@pytest.fixture(scope="module")
def mixed_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def mixed_result(mixed_bag, mixed_folder):
    return extract(mixed_bag, mixed_folder, threads=2)


def test_every_video_has_its_row_and_reason(mixed_bag, mixed_result):
    rows, _, status = mixed_result
    assert [row["video_id"] for row in status] == [video.video_id for video in mixed_bag]
    told = {row["video_id"]: (row["ok"], row["frames"], row["reason"].split(":")[0]) for row in status}
    half_frames = told["e_half"][1]
    assert 1 <= half_frames < 4
    assert told == {
        "a sound one": (True, 3, ""),
        "b_zero": (False, 0, "0 bytes"),
        "c_text": (False, 0, "not a video"),
        "d_headless": (False, 0, "truncated"),
        "e_half": (True, half_frames, "truncated"),
        "gone": (False, 0, "cannot be found"),
        "f_sound": (False, 0, "no video stream"),
        "g_one_frame": (True, 1, ""),
        "h_rotated": (True, 4, ""),
        "i_vfr": (True, 4, ""),
        "été 手 j": (True, 2, ""),
    }
    assert len(rows) == sum(frames for _, frames, _ in told.values())


def test_frames_stand_in_index_order_and_are_true(mixed_bag, mixed_result):
    rows, pictures, _ = mixed_result
    order = [video.video_id for video in mixed_bag]
    places = [order.index(row["video_id"]) for row in rows]
    assert places == sorted(places)
    of = {name: [i for i, row in enumerate(rows) if row["video_id"] == name] for name in order}
    assert [rows[i]["frame_index"] for i in of["i_vfr"]] == [0, 2, 2, 4]
    assert [rows[i]["timestamp_s"] for i in of["i_vfr"]] == pytest.approx([0, 0.9, 0.9, 2.6], abs=1e-3)
    assert [number_in(pictures[i]) for i in of["i_vfr"]] == [0, 2, 2, 4]
    assert [(rows[i]["width"], rows[i]["height"]) for i in of["h_rotated"]] == [(48, 64)] * 4
    assert {pictures[i].shape for i in of["h_rotated"]} == {(64, 48, 3)}


def test_outputs_do_not_depend_on_the_number_of_threads(mixed_bag, mixed_result, mixed_folder, tmp_path):
    extract(mixed_bag, tmp_path, threads=1)
    for name in ("0000.arrow", "0000.hashes.parquet", "0000.status.parquet"):
        assert (tmp_path / "own" / name).read_bytes() == (mixed_folder / "own" / name).read_bytes()


def test_the_manifest_tells_all_of_it(mixed_bag, mixed_result, tmp_path):
    _, _, status = mixed_result
    write_table(tmp_path / "status.parquet", "frames_status", status)
    later = IndexedVideo("later", "own", "later.mp4", "0001")
    write_manifest([*mixed_bag, later], [tmp_path / "status.parquet"], tmp_path / "manifest.parquet")
    manifest = {
        row["video_id"]: row for row in read_table(tmp_path / "manifest.parquet", "manifest").to_pylist()
    }
    assert list(manifest) == [*(video.video_id for video in mixed_bag), "later"]
    sound = manifest["a sound one"]
    assert (sound["status"], sound["width"], sound["fps"], sound["codec"]) == ("ok", 64, 5.0, "h264")
    assert sound["duration_s"] == pytest.approx(2.2)
    assert manifest["b_zero"]["status"] == "0 bytes"
    assert manifest["e_half"]["status"].startswith("truncated: ")
    assert manifest["later"]["status"] == "not read yet"
    with pytest.raises(DataError, match="1 videos that the index does not list, such as 'a sound one'"):
        write_manifest(mixed_bag[1:], [tmp_path / "status.parquet"], tmp_path / "manifest.parquet")


def test_too_many_failures_stop_the_shard_and_name_them(mixed_bag, tmp_path, caplog):
    bad = [video for video in mixed_bag if video.video_id in ("b_zero", "c_text", "gone", "a sound one")]
    with (
        caplog.at_level(logging.WARNING, "simhand"),
        pytest.raises(DataError, match="3 of 4 videos failed.*max_failed_fraction = 0.5") as caught,
    ):
        extract(bad, tmp_path)
    assert "b_zero: 0 bytes" in caplog.messages
    assert "b_zero.mp4: 0 bytes" in str(caught.value)
    assert "c_text.mp4: not a video" in str(caught.value)
    assert os.listdir(tmp_path / "own") == [".0000.parts"], "the sound one is kept for the next time"
    assert len(os.listdir(tmp_path / "own" / ".0000.parts")) == 1


def test_a_shard_of_one_broken_video_is_a_status_row(mixed_bag, tmp_path):
    broken = [video for video in mixed_bag if video.video_id == "b_zero"]
    rows, _, status = extract(broken, tmp_path)
    assert rows == []
    assert [(row["video_id"], row["ok"], row["reason"]) for row in status] == [("b_zero", False, "0 bytes")]


def test_a_video_that_takes_too_long_is_given_up(plain_clip, tmp_path):
    rows, _, status = extract(
        in_one_shard(plain_clip), tmp_path, video_timeout_s=0.001, max_failed_fraction=1
    )
    assert rows == []
    assert (status[0]["ok"], status[0]["reason"]) == (False, "took longer than 0.001 s")


def test_every_30th_frame_scaled_down_and_what_a_kill_left_is_cleared(plain_clip, tmp_path):
    left = tmp_path / "own" / ".0000.parts" / ".abc.host-1.partial"
    left.mkdir(parents=True)
    (left / "frames.arrow").write_bytes(b"half")
    settings = {"sampling": "every_30th_frame", "max_height_px": 24}
    rows, pictures, _ = extract(in_one_shard(plain_clip), tmp_path, **settings)
    assert [row["frame_index"] for row in rows] == [0, 30]
    assert {(row["width"], row["height"]) for row in rows} == {(32, 24)}
    assert {picture.shape for picture in pictures} == {(24, 32, 3)}
    assert [number_in(cv2.resize(picture, (64, 48))) for picture in pictures] == [0, 30]
    assert not left.exists()


def test_the_scripts_run_on_an_index(plain_clip, tmp_path, repository):
    write_index(tmp_path / "videos.tsv", in_one_shard(plain_clip))
    scripts = repository / "workflow_scripts"
    out = tmp_path / "frames" / "0000.arrow"
    common = [
        sys.executable,
        scripts / "extract_frames.py",
        "--index",
        tmp_path / "videos.tsv",
        "--source",
        "own",
    ]
    common += [
        "--frames",
        out,
        "--hashes",
        tmp_path / "hashes.parquet",
        "--status",
        tmp_path / "status.parquet",
    ]
    subprocess.run([*common, "--shard", "0000", "--settings", '{"jpeg_quality": 80}'], check=True)
    assert pq.read_table(tmp_path / "status.parquet")["frames"].to_pylist() == [4]
    failed = subprocess.run([*common, "--shard", "0009"], capture_output=True, text=True)
    assert failed.returncode == 65
    assert "has no shard 0009 of source 'own'" in failed.stderr
    assert "Traceback" not in failed.stderr
    manifest = ["--manifest", tmp_path / "manifest.parquet", "--status", tmp_path / "status.parquet"]
    command = [sys.executable, scripts / "build_manifest.py", "--index", tmp_path / "videos.tsv", *manifest]
    subprocess.run(command, check=True)
    assert read_table(tmp_path / "manifest.parquet", "manifest")["status"].to_pylist() == ["ok"]

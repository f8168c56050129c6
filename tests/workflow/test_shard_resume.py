"""A job that was killed goes on where it was: what is finished is not done again, the files are the same."""

import dataclasses
import os
import shutil

import pytest
from shard_scripts import Shard, encode, hooks, in_one_shard, render_hands

from simhand.files.packed import PackedReader

pytestmark = pytest.mark.xdist_group("shard_resume")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Five clips of nothing in particular and one whose decoder can be made to hang."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [encode(folder / f"{name}.mp4", seconds=2 + number) for number, name in enumerate("abcde")]
    paths.insert(2, encode(folder / "hangs.mp4"))
    return paths


@pytest.fixture(scope="module")
def undisturbed(clips, tmp_path_factory):
    shard = Shard(tmp_path_factory.mktemp("undisturbed"), in_one_shard(clips))
    done = shard.run("frames", threads=2)
    assert done.returncode == 0, done.stderr
    return shard.outputs("frames")


@pytest.fixture(scope="module")
def killed(clips, tmp_path_factory):
    """A shard whose job was killed while one video hung and the others were finished."""
    environment, _ = hooks(tmp_path_factory.mktemp("hooks") / "frames")
    folder = tmp_path_factory.mktemp("killed")
    shard = Shard(folder, in_one_shard(clips), environment | {"HANG": "yes"})
    shard.kill_after_parts("frames", 5, threads=2)
    assert os.listdir(folder / "frames/own") == [".0000.parts"], "nothing under its final name"
    return shard


def resumed(killed, tmp_path, **settings):
    """What a second job on a copy of the killed shard says, the videos that it opens, and its files."""
    environment, notes = hooks(tmp_path / "hooks")
    shutil.copytree(killed.folder, tmp_path / "copy")
    shard = dataclasses.replace(killed, folder=tmp_path / "copy", environment=environment)
    done = shard.run("frames", **settings)
    assert done.returncode == 0, done.stderr
    return done.stderr, set(notes.read_text().split()), shard.outputs("frames")


def test_only_the_unfinished_video_is_read_again(killed, undisturbed, tmp_path):
    said, opened, outputs = resumed(killed, tmp_path)
    assert opened == {"hangs.mp4"}
    assert outputs == undisturbed
    assert "6 of 6 videos" in said


def test_another_limit_on_failures_changes_no_frame(killed, undisturbed, tmp_path):
    _, opened, outputs = resumed(killed, tmp_path, max_failed_fraction=0.1, video_timeout_s=50, threads=2)
    assert opened == {"hangs.mp4"}
    assert outputs == undisturbed


def test_parts_of_other_settings_are_not_used(killed, undisturbed, clips, tmp_path):
    _, opened, outputs = resumed(killed, tmp_path, jpeg_quality=50)
    assert opened == {path.name for path in clips}
    assert outputs["frames/0000.arrow"] != undisturbed["frames/0000.arrow"]


def test_the_part_of_a_video_that_has_changed_is_not_used(killed, clips, tmp_path):
    before = clips[0].read_bytes(), clips[0].stat()
    try:
        encode(clips[0], "rgbtestsrc")
        _, opened, outputs = resumed(killed, tmp_path)
    finally:
        clips[0].write_bytes(before[0])
        os.utime(clips[0], ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
    assert opened == {"a.mp4", "hangs.mp4"}
    with PackedReader(tmp_path / "copy/frames/own/0000.arrow", "frames") as reader:
        assert reader.table(["video_id"])["video_id"].to_pylist()[:3] == ["a", "a", "b"]


def test_one_video_mended_is_one_video_done(clips, tmp_path):
    """Three of six are broken, more than allowed; with one of them mended, the shard is complete."""
    environment, notes = hooks(tmp_path / "hooks")
    (tmp_path / "clips").mkdir()
    paths = [tmp_path / "clips" / path.name for path in clips]
    for path, clip in zip(paths, clips, strict=True):
        shutil.copy(clip, path)
    for path in paths[:3]:
        path.write_bytes(b"")
    shard = Shard(tmp_path / "run", in_one_shard(paths), environment)
    shard.folder.mkdir()
    failed = shard.run("frames", max_failed_fraction=0.4)
    assert failed.returncode == 65
    assert "3 of 6 videos failed" in failed.stderr and "a.mp4: 0 bytes" in failed.stderr
    assert set(notes.read_text().split()) == {"c.mp4", "d.mp4", "e.mp4"}
    notes.unlink()
    shutil.copy(clips[1], paths[1])
    done = shard.run("frames", max_failed_fraction=0.4)
    assert done.returncode == 0, done.stderr
    assert set(notes.read_text().split()) == {"b.mp4"}


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    """A shard of four clips of rendered hands and one without any, whose stages are complete."""
    clips = tmp_path_factory.mktemp("hands")
    paths = [*render_hands(clips, 4, 2), encode(clips / "x.mp4")]
    shard = Shard(tmp_path_factory.mktemp("complete"), in_one_shard(paths))
    for stage, settings in (("frames", {}), ("crops", {}), ("keypoints", {"estimator": "mediapipe"})):
        done = shard.run(stage, threads=2, **settings)
        assert done.returncode == 0, done.stderr
    return shard


@pytest.mark.parametrize("stage", ["crops", "keypoints"])
def test_the_stages_after_it_go_on_too(hands, stage, tmp_path):
    """Killed at the last image but one; then only the images from that video on are looked at again."""
    before = {"crops": ["frames"], "keypoints": ["frames", "crops"]}[stage]
    never = {"crops": {"frame_timeout_s": 9999}, "keypoints": {"crop_timeout_s": 9999}}[stage]
    settings = never | ({"estimator": "mediapipe"} if stage == "keypoints" else {})
    with PackedReader(hands.folder / before[-1] / "own/0000.arrow", before[-1]) as reader:
        videos = reader.table(["video_id"])["video_id"].to_pylist()
    hang_at = len(videos) - 1
    first_unfinished = videos.index(videos[hang_at - 1])
    finished = set(videos[:first_unfinished])
    assert len(finished) >= 2

    environment, notes = hooks(tmp_path / "hooks")
    for each in before:
        shutil.copytree(hands.folder / each, tmp_path / "run" / each)
    shard = Shard(tmp_path / "run", hands.videos, environment | {"HANG_AT_IMAGE": str(hang_at)})
    shard.kill_after_parts(stage, len(finished), **settings)
    assert len(shard.parts(stage)) == len(finished)
    notes.unlink()
    done = dataclasses.replace(shard, environment=environment).run(stage, threads=2, **settings)
    assert done.returncode == 0, done.stderr
    assert notes.read_text().split() == ["image"] * (len(videos) - first_unfinished)
    assert shard.outputs(stage) == hands.outputs(stage)

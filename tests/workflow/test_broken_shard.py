"""A shard of fifty videos, ten of them broken in ten ways, through all stages: every video is told of."""

import os
import shutil

import pytest
from shard_scripts import Shard, encode, ffmpeg, hooks, in_one_shard, render_hands

from simhand.files.packed import PackedReader
from simhand.files.tables import read_table

pytestmark = pytest.mark.xdist_group("broken_shard")

SOUND = 40
BROKEN = {
    "crashes": "the worker process died (SIGSEGV)",
    "cut": "truncated: ",
    "damaged": "10 damaged packets could not be decoded",
    "empty": "0 bytes",
    "hangs": "took longer than 8 s",
    "headless": "truncated: its table of contents (moov) is missing",
    "pipe": "not a file but a folder, a pipe or a device",
    "sound": "no video stream",
    "text": "not a video",
    "unknown": "no decoder for its codec",
}


def break_ten(folder, clip):
    """Ten files that are no whole videos, by the name of what is wrong with them."""
    paths = {name: folder / f"{name}.mp4" for name in BROKEN}
    whole = clip.read_bytes()
    for name in ("crashes", "hangs"):
        shutil.copy(clip, paths[name])
    encode(paths["cut"], "testsrc2", 9, "-g", "1", "-movflags", "+faststart")
    cut = paths["cut"].read_bytes()
    paths["cut"].write_bytes(cut[: len(cut) * 6 // 10])
    start = whole.index(b"mdat") + 4
    damaged = bytearray(whole)
    damaged[start : whole.index(b"moov") - 4] = bytes(whole.index(b"moov") - 4 - start)
    paths["damaged"].write_bytes(damaged)
    paths["empty"].touch()
    paths["headless"].write_bytes(whole[: len(whole) // 2])
    os.mkfifo(paths["pipe"])
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", str(paths["sound"]))
    paths["text"].write_text("This is a shopping list.\n" * 50)
    paths["unknown"].write_bytes(whole.replace(b"avc1", b"zzzz"))
    return list(paths.values())


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """The shard when its three stages have run."""
    clips = tmp_path_factory.mktemp("fifty")
    first = encode(clips / "a00.mp4", "smptebars")
    hands = render_hands(clips, 3, 2)
    paths = [first, *hands]
    for number in range(SOUND - len(paths)):
        paths.append(clips / f"a{number + 1:02d}.mp4")
        shutil.copy(first, paths[-1])
    paths += break_ten(clips, first)
    environment, _ = hooks(tmp_path_factory.mktemp("hooks") / "hooks")
    shard = Shard(tmp_path_factory.mktemp("run"), in_one_shard(sorted(paths)), environment | {"HANG": "yes"})
    for stage, settings in (("frames", {"video_timeout_s": 8}), ("crops", {}), ("keypoints", {})):
        done = shard.run(stage, threads=2, **settings)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    return shard


def status_of(shard, stage):
    table = "frames_status" if stage == "frames" else "status"
    rows = read_table(shard.folder / stage / "own/0000.status.parquet", table).to_pylist()
    assert [row["video_id"] for row in rows] == [video.video_id for video in shard.videos]
    return {row["video_id"]: row for row in rows}


def test_forty_are_done_and_ten_explained(shard):
    rows = status_of(shard, "frames")
    assert len(rows) == 50
    told = {name: row["reason"] for name, row in rows.items() if row["reason"]}
    assert told.keys() == BROKEN.keys()
    assert {name: reason[: len(BROKEN[name])] for name, reason in told.items()} == BROKEN
    assert {name for name, row in rows.items() if not row["ok"]} == BROKEN.keys() - {"cut"}
    with PackedReader(shard.folder / "frames/own/0000.arrow", "frames") as reader:
        videos = reader.table(["video_id"])["video_id"].to_pylist()
    assert {name: videos.count(name) for name in rows} == {name: row["frames"] for name, row in rows.items()}
    assert min(row["frames"] for row in rows.values() if row["ok"]) > 0


def test_the_stages_after_it_tell_of_every_video_too(shard):
    frames, crops, keypoints = (status_of(shard, stage) for stage in ("frames", "crops", "keypoints"))
    assert sum(row["hands"] for row in keypoints.values()) > 0
    for name, row in frames.items():
        assert crops[name]["ok"] == keypoints[name]["ok"] == row["ok"]
        if not row["ok"]:
            assert crops[name]["reason"] == f"no frames: {row['reason']}"
        if not crops[name]["hands"]:
            assert keypoints[name]["reason"] == f"no crops: {crops[name]['reason']}"
    assert {name for name, row in crops.items() if row["frames"] == 0} == BROKEN.keys() - {"cut"}


def test_more_ways_to_be_broken(tmp_path):
    """A folder and a dangling link with a video's name, and time stamps that jump by years."""
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to("nowhere.mp4")
    encode(
        tmp_path / "jumps.mkv",
        "testsrc",
        2,
        "-vf",
        "setpts=PTS+gte(N\\,5)*1e8/TB",
        "-fps_mode",
        "passthrough",
    )
    paths = [tmp_path / name for name in ("folder.mp4", "jumps.mkv", "link.mp4")]
    shard = Shard(tmp_path / "run", in_one_shard(paths))
    shard.folder.mkdir()
    done = shard.run("frames")
    assert done.returncode == 0, done.stderr
    rows = status_of(shard, "frames")
    assert rows["folder"]["reason"] == "not a file but a folder, a pipe or a device"
    assert rows["link"]["reason"] == "cannot be found: No such file or directory"
    assert (rows["jumps"]["ok"], rows["jumps"]["frames"]) == (True, 1)
    assert "timestamps jump by" in rows["jumps"]["reason"]

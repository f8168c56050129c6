"""100DOH as published, with what YouTube has left of it."""

import subprocess
import sys

import pytest

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.settings.sources import DohSource, FolderSource
from simhand.videos.index import read_index, update_index
from simhand.videos.sources.listing import list_videos

IDS = ["-Zz7k80JfRq", "-_ZzNpWZmmt", "Zz7k80JfRqI", "__zNpWZmmt4", "k--ZzNpWZmm"]
GONE = ["-gone123456", "agoneZZZZZ-"]
HEADER = "video_id genre link resolution frame_rate\n"


def meta_line(video_id, rate="30000/1001"):
    return f"{video_id} diy https://www.youtube.com/watch?v={video_id} 1280x720 {rate}\n"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "100DOH"
    for folder in ("videos", "file"):
        (root / folder).mkdir(parents=True)
    for video_id in IDS:
        (root / "videos" / f"{video_id}.mp4").touch()
    (root / "100doh_downloader.py").touch()
    return root


def source(path):
    return DohSource(kind="100doh", path=str(path))


@pytest.mark.parametrize("header", ["", HEADER])
def test_what_is_left_is_taken_and_what_is_gone_is_counted(root, tmp_path, caplog, header):
    listed = "".join(map(meta_line, [*IDS[:4], *GONE]))
    (root / "file/meta_100DOH_video.txt").write_text(header + listed)
    rows = update_index(tmp_path / "videos.tsv", {"100doh": source(root)}, 3)
    assert [row.video_id for row in rows] == sorted(IDS)
    assert [row.video_id for row in read_index(tmp_path / "videos.tsv")] == sorted(IDS)
    path = root / "file/meta_100DOH_video.txt"
    assert caplog.messages == [
        f"sources.100doh: 2 of 6 videos that {path} names are not on disk: {', '.join(GONE)}",
        f"sources.100doh: 1 videos are taken that {path} does not name: {IDS[4]}",
    ]


def test_the_list_may_be_missing_and_the_videos_folder_given(root, caplog):
    assert [video.path for video in list_videos("doh", source(root / "videos"), None)] == [
        video.path for video in list_videos("doh", source(root), None)
    ]
    assert caplog.messages == []


def test_other_videos_are_told(root, caplog):
    (root / "videos/Zz7k80JfRqI.f137.webm").touch()
    assert len(list_videos("doh", source(root), None)) == len(IDS)
    assert caplog.messages == ["sources.doh: 1 videos that are not .mp4 are left out: Zz7k80JfRqI.f137.webm"]


def test_mistakes_are_named(root, tmp_path):
    with pytest.raises(
        DataError, match=rf"expected the folder videos in {tmp_path}, found 100DOH; give the root"
    ):
        list_videos("doh", source(tmp_path), None)
    (root / "file/meta_100DOH_video.txt").write_text(meta_line(IDS[0]) + f"\n{IDS[1]} diy\n")
    with pytest.raises(DataError, match=rf"video\.txt line 3: expected 5 fields .*found 2: {IDS[1]} diy"):
        list_videos("doh", source(root), None)
    (root / "file/meta_100DOH_video.txt").unlink()
    for video_id in IDS:
        (root / "videos" / f"{video_id}.mp4").unlink()
    with pytest.raises(DataError, match=r"expected videos named <id>\.mp4 in .*found an empty folder"):
        list_videos("doh", source(root), None)


@pytest.mark.parametrize("decoder", ["pyav", "ffmpeg"])
def test_ids_that_begin_with_a_dash_come_through_the_stage(tmp_path, plain_clip, repository, decoder):
    """Also as bare file names, which could be taken for options."""
    (tmp_path / "videos").mkdir()
    for video_id in IDS:
        (tmp_path / "videos" / f"{video_id}.mp4").symlink_to(plain_clip)
    update_index(tmp_path / "published.tsv", {"doh": source(tmp_path)}, 9)
    (tmp_path / "bare.tsv").write_text(
        "video_id\tsource\tpath\tshard\n"
        + "".join(f"{name}\tdoh\t{name}.mp4\t0000\n" for name in sorted(IDS))
    )
    for index, folder in (("published.tsv", "."), ("bare.tsv", "videos")):
        command = [sys.executable, repository / "workflow_scripts/extract_frames.py", "--source", "doh"]
        command += ["--index", tmp_path / index, "--shard", "0000", "--source-settings", "null"]
        command += ["--frames", tmp_path / "0.arrow", "--hashes", tmp_path / "0.hashes.parquet"]
        command += ["--status", tmp_path / "0.status.parquet"]
        command += ["--settings", f'{{"decoder": "{decoder}"}}']
        subprocess.run(command, check=True, cwd=tmp_path / folder)
        status = read_table(tmp_path / "0.status.parquet", "frames_status").to_pylist()
        assert [(row["video_id"], row["frames"]) for row in status] == [(name, 4) for name in sorted(IDS)]
        with PackedReader(tmp_path / "0.arrow", "frames") as reader:
            found = reader.table(["video_id"])["video_id"].to_pylist()
        assert found == [name for name in sorted(IDS) for _ in range(4)]


def test_a_folder_given_as_a_dot_keeps_such_ids_too(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root / "videos")
    rows = update_index(tmp_path / "videos.tsv", {"own": FolderSource(kind="folder", path=".")}, 9)
    assert [(row.video_id, row.path) for row in rows] == [(name, f"{name}.mp4") for name in sorted(IDS)]

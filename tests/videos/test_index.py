"""The append-only list of videos."""

import logging

import pytest

from simhand.errors import DataError
from simhand.settings.sources import FolderSource, RenderedSource
from simhand.settings.world import WorldSettings
from simhand.videos.index import index_of_run, read_index, update_index
from simhand.videos.index_table import videos_of_shard
from simhand.world.catalogue import video_ids


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def folder(path, **options):
    return FolderSource(kind="folder", path=str(path), **options)


def listed(rows):
    return [(row.video_id, row.source, row.shard) for row in rows]


def test_a_run_is_planned_from_the_index_and_what_it_does_not_know(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}1.mp4").touch()
    index, world = tmp_path / "videos.tsv", WorldSettings(recordings=1)
    first = {"one": FolderSource(kind="folder", path=str(tmp_path / "a"))}
    rows = update_index(index, first, 10)
    (tmp_path / "a" / "a2.mp4").touch()
    both = first | {"two": FolderSource(kind="folder", path=str(tmp_path / "b"))}
    planned = index_of_run(index, both, 10, world)
    assert planned[:1] == rows and [row.video_id for row in planned] == ["a1", "b1"]
    assert read_index(index) == rows, "planning writes nothing"
    rendered = first | {"world": RenderedSource(kind="rendered")}
    few = update_index(index, rendered, 10, world)
    more = index_of_run(index, rendered, 10, WorldSettings(recordings=2))
    assert more[: len(few)] == few and len(more) > len(few), "a world that grows is extended"


def test_a_folder_becomes_sorted_shards(tmp_path):
    touch(tmp_path / "v", "b.mp4", "a.MOV", "sub dir/été 1.mkv", "notes.txt", "._b.mp4", ".hidden/c.mp4")
    rows = update_index(tmp_path / "run" / "videos.tsv", {"own": folder(tmp_path / "v")}, 2)
    assert listed(rows) == [("a", "own", "0000"), ("b", "own", "0000"), ("sub dir/été 1", "own", "0001")]
    assert rows[2].path == str(tmp_path / "v" / "sub dir" / "été 1.mkv")
    assert read_index(tmp_path / "run" / "videos.tsv") == rows
    assert (tmp_path / "run" / "videos.tsv").read_text().startswith("video_id\tsource\tpath\tshard\na\town\t")


def test_new_videos_fill_new_shards_and_move_none(tmp_path):
    index, sources = tmp_path / "videos.tsv", {"own": folder(tmp_path / "v")}
    touch(tmp_path / "v", "b.mp4", "d.mp4", "e.mp4")
    first = update_index(index, sources, 2)
    touch(tmp_path / "v", "a.mp4", "c.mp4", "f.mp4")
    (tmp_path / "v" / "d.mp4").unlink()
    second = update_index(index, sources, 2)
    assert second[:3] == first
    assert listed(second[3:]) == [("a", "own", "0002"), ("c", "own", "0002"), ("f", "own", "0003")]


def test_nothing_new_leaves_the_file_alone(tmp_path):
    touch(tmp_path / "v", "a.mp4")
    index, sources = tmp_path / "videos.tsv", {"own": folder(tmp_path / "v")}
    update_index(index, sources, 2)
    before = index.stat()
    update_index(index, sources, 1)
    assert (index.stat().st_mtime_ns, index.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_ids_that_clash_keep_the_suffix_then_take_the_source(tmp_path):
    touch(tmp_path / "v", "a.mkv", "a.mp4")
    touch(tmp_path / "w", "a.mkv", "a.mp4", "b.mp4")
    rows = update_index(
        tmp_path / "videos.tsv", {"v": folder(tmp_path / "v"), "w": folder(tmp_path / "w")}, 9
    )
    assert [row.video_id for row in rows] == ["a", "a.mp4", "a.mkv", "w/a", "b"]
    assert [row.path.rsplit("/", 1)[1] for row in rows] == ["a.mkv", "a.mp4", "a.mkv", "a.mp4", "b.mp4"]


def test_a_source_that_is_gone_keeps_its_rows(tmp_path):
    touch(tmp_path / "v", "a.mp4")
    touch(tmp_path / "w", "b.mp4")
    index = tmp_path / "videos.tsv"
    update_index(index, {"v": folder(tmp_path / "v")}, 9)
    rows = update_index(index, {"w": folder(tmp_path / "w")}, 9)
    assert listed(rows) == [("a", "v", "0000"), ("b", "w", "0000")]


def test_names_that_a_table_cannot_hold_are_told_and_left_out(tmp_path, caplog):
    touch(tmp_path / "v", "good.mp4", "bad\tname.mp4", "bad\nname.mp4")
    (tmp_path / "v" / b"bad\xff.mp4".decode("utf-8", "surrogateescape")).write_bytes(b"")
    with caplog.at_level(logging.WARNING, "simhand"):
        rows = update_index(tmp_path / "videos.tsv", {"own": folder(tmp_path / "v")}, 9)
    assert [row.video_id for row in rows] == ["good"]
    assert sum("rename it" in message for message in caplog.messages) == 3


def test_not_recursive(tmp_path):
    touch(tmp_path / "v", "a.mp4", "sub/b.mp4")
    rows = update_index(tmp_path / "videos.tsv", {"own": folder(tmp_path / "v", recursive=False)}, 9)
    assert [row.video_id for row in rows] == ["a"]


def test_linked_folders_are_followed_once(tmp_path):
    touch(tmp_path / "elsewhere", "b.mp4")
    touch(tmp_path / "v", "a.mp4")
    (tmp_path / "v" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "v")
    rows = update_index(tmp_path / "videos.tsv", {"own": folder(tmp_path / "v")}, 9)
    assert [row.video_id for row in rows] == ["a", "link/b"]


def test_empty_and_missing_folders_say_where_they_looked(tmp_path):
    touch(tmp_path / "v", "notes.txt")
    with pytest.raises(DataError, match=rf"sources\.own\.path: no video.*{tmp_path}/v.*\.mkv .*\.mp4"):
        update_index(tmp_path / "videos.tsv", {"own": folder(tmp_path / "v")}, 9)
    with pytest.raises(DataError, match=rf"sources\.own\.path.*{tmp_path}/nowhere"):
        update_index(tmp_path / "videos.tsv", {"own": folder(tmp_path / "nowhere")}, 9)
    assert not (tmp_path / "videos.tsv").exists()


def test_another_folder_under_an_old_name_is_refused(tmp_path):
    touch(tmp_path / "v", "a.mp4")
    touch(tmp_path / "w", "a.mp4")
    index = tmp_path / "videos.tsv"
    update_index(index, {"own": folder(tmp_path / "v")}, 9)
    with pytest.raises(DataError, match="give the new folder a source name of its own"):
        update_index(index, {"own": folder(tmp_path / "w")}, 9)


def test_a_folder_inside_the_old_one_is_the_same_source(tmp_path):
    touch(tmp_path / "v", "a.mp4", "sub/b.mp4")
    index = tmp_path / "videos.tsv"
    rows = update_index(index, {"own": folder(tmp_path / "v")}, 9)
    narrowed = {"own": folder(tmp_path / "v/sub")}
    assert update_index(index, narrowed, 9) == index_of_run(index, narrowed, 9, None) == rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "video_id\tpath\n",
        "video_id\tsource\tpath\tshard\na\tb\tc\n",
        "video_id\tsource\tpath\tshard\na\tb\tc\tx\n",
    ],
)
def test_a_damaged_index_is_refused(tmp_path, text):
    (tmp_path / "videos.tsv").write_text(text)
    with pytest.raises(DataError, match="expected video_id, source, path, shard"):
        read_index(tmp_path / "videos.tsv")


def test_a_repeated_id_and_a_missing_index_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_index(tmp_path / "videos.tsv")
    (tmp_path / "videos.tsv").write_text("video_id\tsource\tpath\tshard\na\ts\tp\t0000\na\ts\tq\t0000\n")
    with pytest.raises(DataError, match="video_id twice"):
        read_index(tmp_path / "videos.tsv")


def test_the_rendered_world_lies_in_the_run(tmp_path):
    world = WorldSettings(recordings=3)
    rows = update_index(tmp_path / "videos.tsv", {"demo": RenderedSource(kind="rendered")}, 2, world)
    assert [row.video_id for row in rows] == video_ids(world)
    assert rows[2].path == f"{tmp_path}/world/videos/0001/{rows[2].video_id}.mp4"
    more = update_index(
        tmp_path / "videos.tsv", {"demo": RenderedSource(kind="rendered")}, 2, WorldSettings(recordings=5)
    )
    assert more[: len(rows)] == rows
    assert {row.shard for row in more[len(rows) :]} == {"0002"}


def test_videos_of_a_shard(tmp_path):
    touch(tmp_path / "v", "a.mp4", "b.mp4", "c.mp4")
    index = tmp_path / "videos.tsv"
    update_index(index, {"own": folder(tmp_path / "v")}, 2)
    assert [row.video_id for row in videos_of_shard(index, "own", "0001")] == ["c"]
    with pytest.raises(DataError, match="no shard 0002 of source 'own'"):
        videos_of_shard(index, "own", "0002")

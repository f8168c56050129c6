"""Which videos are one recording."""

import json
import subprocess
import sys

import numpy as np
import pytest

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.settings.groups import GroupsSettings
from simhand.videos.groups import group_videos, write_groups
from simhand.videos.index_table import IndexedVideo, write_index


@pytest.fixture
def videos(tmp_path):
    rendered = tmp_path / "run" / "world" / "videos" / "0000"
    return [
        IndexedVideo("cam0", "own", "somewhere/cam0.mp4", "0000"),
        IndexedVideo("cam1", "own", "somewhere/cam1.mp4", "0000"),
        IndexedVideo("rec07_cam0", "demo", str(rendered / "rec07_cam0.mp4"), "0000"),
        IndexedVideo("rec07_cam1", "demo", str(rendered / "rec07_cam1.mp4"), "0000"),
        IndexedVideo("rec08_cam0", "own", "somewhere/videos/0000/rec08_cam0.mp4", "0000"),
    ]


def groups_of(videos, tmp_path, text=None):
    csv = tmp_path / "groups.csv" if text is not None else None
    if csv:
        csv.write_text(text, encoding="utf-8")
    write_groups(videos, [], csv, tmp_path / "groups.parquet")
    table = read_table(tmp_path / "groups.parquet", "groups")
    return dict(zip(table["video_id"].to_pylist(), table["group_id"].to_pylist(), strict=True))


def test_a_video_is_its_own_group_and_a_rendered_one_its_recording(videos, tmp_path):
    assert groups_of(videos, tmp_path) == {
        "cam0": "cam0",
        "cam1": "cam1",
        "rec07_cam0": "rec07",
        "rec07_cam1": "rec07",
        "rec08_cam0": "rec08_cam0",
    }


def test_the_users_table_wins(videos, tmp_path):
    text = "\ufeffvideo_id,note,group_id\ncam0,left view,desk\ncam1,right view,desk\n"
    groups = groups_of(videos, tmp_path, text)
    assert (groups["cam0"], groups["cam1"], groups["rec07_cam1"]) == ("desk", "desk", "rec07")
    assert list(groups) == [video.video_id for video in videos]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column.s. video_id, group_id.*found nothing"),
        ("video_id;group_id\ncam0;a\n", "lacks the column.s. video_id, group_id.*found video_id;group_id"),
        ("video_id,group\ncam0,a\n", "lacks the column.s. group_id"),
        ("video_id,group_id\ncam0,a\ncam9,a\n", "names 1 video.s. that are not in videos.tsv: cam9"),
        ("video_id,group_id\ncam0,\n", "row 2 has no video_id or no group_id"),
        ("video_id,group_id\ncam0\n", "row 2 has no video_id or no group_id"),
        ("video_id,group_id\ncam0,a\ncam0,b\n", "row 3 gives 'cam0' a second group, 'b'"),
    ],
)
def test_a_wrong_table_is_refused(videos, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        groups_of(videos, tmp_path, text)


def test_a_missing_table_is_refused(videos, tmp_path):
    with pytest.raises(DataError, match="nowhere.csv cannot be read"):
        write_groups(videos, [], tmp_path / "nowhere.csv", tmp_path / "groups.parquet")


def test_a_camera_that_the_users_table_leaves_out_follows_the_other_one(videos, tmp_path):
    groups = groups_of(videos, tmp_path, "video_id,group_id\nrec07_cam0,desk\n")
    assert groups["rec07_cam1"] == "desk"


def indexed(names):
    return [IndexedVideo(name, "own", f"somewhere/{name}.mp4", "0000") for name in names]


def grouped(names, links, given=None):
    """Groups as a string: one group name per video."""
    return " ".join(group_videos(indexed(names), links, given or {}).values())


def test_links_join_through_others_and_the_first_video_names_them():
    links = [("e", "c"), ("b", "d"), ("c", ("ego4d", "x")), (("ego4d", "x"), "b"), ("f", "not a video")]
    assert grouped("abcdef", links) == "a b b b b f"
    assert grouped("abcdef", links[::-1]) == "a b b b b f"
    assert grouped("abcdefgh", [*links, ("h", "g")]) == "a b b b b f g g"


def test_links_join_as_a_graph_does():
    """Against flooding the graph from every video."""
    rng = np.random.default_rng(0)
    names = [f"v{number:02d}" for number in range(60)]
    for count in (10, 30, 60):
        links = [tuple(names[i] for i in rng.integers(0, 60, 2)) for _ in range(count)]
        groups = group_videos(indexed(names), links, {})
        for name in names:
            reached, new = set(), {name}
            while new:
                reached |= new
                new = {b for link in links for a, b in (link, link[::-1]) if a in reached} - reached
            assert groups[name] == min(reached)


def test_the_users_groups_are_never_joined_and_draw_in_what_is_linked_to_them(caplog):
    given = {"b": "left", "d": "right"}
    assert grouped("abcd", [("b", "d")], given) == "a left c right"
    assert grouped("abcd", [("b", "c")], given) == "a left left right"
    assert grouped("abcde", [("a", "c"), ("c", "d"), ("a", "e")], given) == "right left right right right"
    assert not caplog.messages


def test_a_video_between_two_of_the_users_groups_goes_to_the_first_with_a_warning(caplog):
    given = {"b": "left", "d": "right"}
    assert grouped("abcd", [("d", "c"), ("c", "b")], given) == "a left left right"
    assert caplog.messages == ["c is linked to the groups left, right of groups.groups_csv; it goes to left"]


def run_script(repository, *arguments):
    script = repository / "workflow_scripts" / "group_recordings.py"
    return subprocess.run([sys.executable, script, *arguments], check=True, timeout=300)


@pytest.mark.parametrize("on", [True, False])
def test_the_stage_joins_by_metadata_and_by_what_videos_show(repository, tmp_path, on):
    """``copy`` shows what ``first`` shows, and ``first`` is concurrent with ``second``."""
    uids = ("first", "second", "third")
    videos = [IndexedVideo(uid, "ego", f"v1/full_scale/{uid}.mp4", "0000") for uid in uids]
    videos.append(IndexedVideo("copy", "own", "own/copy.mp4", "0000"))
    write_index(tmp_path / "videos.tsv", videos)
    concurrent = [{"valid": True, "videos": [{"video_uid": "first"}, {"video_uid": "second"}]}]
    (tmp_path / "ego4d.json").write_text(json.dumps({"concurrent_video_sets": concurrent, "clips": []}))
    seen = np.random.default_rng(0).integers(0, 2**62, (3, 12)) | 1
    rows = [*zip(uids, seen, strict=True), ("copy", seen[0])]
    table = [
        {"video_id": video_id, "frame_index": frame, "timestamp_s": float(frame), "hash": value}
        for video_id, hashes in rows
        for frame, value in enumerate(hashes.tolist())
    ]
    write_table(tmp_path / "hashes.parquet", "hashes", table)
    run_script(
        repository,
        *("--settings", GroupsSettings(near_duplicates=on).model_dump_json()),
        *("--index", tmp_path / "videos.tsv", "--groups", tmp_path / "groups.parquet"),
        *(f"--ego4d=ego={tmp_path / 'ego4d.json'}", "--near-duplicates", tmp_path / "near.parquet"),
        *("--hashes", tmp_path / "hashes.parquet", "--threads", "2", "--log", tmp_path / "log"),
    )
    groups = read_table(tmp_path / "groups.parquet", "groups")["group_id"].to_pylist()
    assert groups == ["first", "first", "third", "first" if on else "copy"]
    assert len(read_table(tmp_path / "near.parquet", "near_duplicates")) == on

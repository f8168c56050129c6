"""Ego4D as its command line tool lays it down."""

import json
import logging

import pytest

from simhand.errors import ConfigError, DataError
from simhand.settings.sources import Ego4dSource
from simhand.videos.index import index_of_run, read_index, update_index
from simhand.videos.sources.ego4d import metadata_file
from simhand.videos.sources.listing import list_videos

A, B, C, D = (
    "0b0c7c26-8f38-4a22-8a9e-b99e4ae334fc",
    "2c84e6a0-2a0b-4de8-ae99-aedbc871dffa",
    "8082fcc6-e09a-4440-aa24-06c58490bbfe",
    "fe932baa-503a-4187-80b7-fe1e115af0ae",
)
RELEASED = (
    "Number Name Size Length Width Height OriginalFrameCount SettingFrameCount OriginalFrameRate "
    "SettingFrameRate Time\n"
    f"0 {B}.mp4 96188270 378.22 1440 1080 11346 378 30.0 1.0 0.22\n"
    f"1 {D}.mp4 408083934 2024.07 1440 1080 60722 2024 30.0 1.0 0.15\n"
)


def lay_down(root, *places, uids=(A, B)):
    for place in places:
        (root / place).mkdir(parents=True)
        for uid in uids:
            (root / place / f"{uid}.mp4").touch()
        (root / place / "manifest.ver").write_text("uid,version,filename\n")


def write_manifest(folder, *uids, column="video_uid"):
    rows = [f"{uid},s3://ego4d-unict/object/{uid},[FHO|EM]" for uid in uids]
    (folder / "manifest.csv").write_text(
        "\r\n".join([f"{column},canonical_s3_location,benchmarks", *rows, ""])
    )


def source(path, **options):
    return Ego4dSource(kind="ego4d", path=str(path), **options)


def uids(path, **options):
    return [next(iter(video.possible_ids)) for video in list_videos("ego", source(path, **options), None)]


@pytest.mark.parametrize("given", [".", "v1", "v1/full_scale"])
def test_every_folder_of_the_layout_is_understood(tmp_path, given):
    lay_down(tmp_path, "v1/full_scale")
    lay_down(tmp_path, "v1/clips", uids=(C,))
    (tmp_path / "v1/full_scale" / f"{C}.mp4.6eF93bC1").touch()
    (tmp_path / "v1/full_scale" / f"._{A}.mp4").touch()
    rows = update_index(tmp_path / "videos.tsv", {"ego": source(tmp_path / given)}, 10)
    assert [(row.video_id, row.path) for row in rows] == [
        (uid, f"{tmp_path}/v1/full_scale/{uid}.mp4") for uid in (A, B)
    ]


def test_a_relative_path_is_understood(tmp_path, monkeypatch):
    lay_down(tmp_path, "v1/full_scale")
    for where, given in ((tmp_path, "."), (tmp_path / "v1", "full_scale"), (tmp_path / "v1/full_scale", ".")):
        monkeypatch.chdir(where)
        assert uids(given, version="v1") == [A, B]


def test_the_version_and_the_data_set_are_chosen(tmp_path):
    lay_down(tmp_path, "v1/full_scale", "v2/full_scale", uids=(A,))
    lay_down(tmp_path, "v2/video_540ss", "v2/clips", uids=(B,))
    with pytest.raises(ConfigError, match=r"sources\.ego\.version: .*several versions, say which: v1, v2"):
        uids(tmp_path)
    found = list_videos("ego", source(tmp_path, version="v2_1"), None)
    assert [video.path for video in found] == [f"{tmp_path}/v2/full_scale/{A}.mp4"]
    assert uids(tmp_path, dataset="video_540ss") == uids(tmp_path, dataset="clips") == [B]
    (tmp_path / "v2_1").mkdir()
    lay_down(tmp_path, "v2_1/full_scale", uids=(C,))
    assert uids(tmp_path, version="v2_1") == [C] and uids(tmp_path, version="v2") == [A]


def test_a_wrong_folder_says_what_was_expected_and_found(tmp_path):
    lay_down(tmp_path, "v1/clips")
    expected = rf"sources\.ego\.path: expected v1/full_scale in {tmp_path}, found v1; there is clips in it "
    with pytest.raises(DataError, match=expected + r"\(set `dataset`\); .*--output_directory"):
        uids(tmp_path)
    with pytest.raises(DataError, match="expected v2/clips"):
        uids(tmp_path, version="v2", dataset="clips")
    with pytest.raises(DataError, match="expected v1/full_scale in .*nowhere, found no such folder"):
        uids(tmp_path / "nowhere")
    (tmp_path / "v1/full_scale").mkdir()
    (tmp_path / "v1/full_scale/manifest.csv").touch()
    with pytest.raises(DataError, match=r"expected videos named <id>\.mp4 in .*found manifest\.csv"):
        uids(tmp_path)


@pytest.mark.parametrize("column", ["video_uid", "file_uid"])
def test_the_manifest_is_held_against_the_disk(tmp_path, caplog, column):
    lay_down(tmp_path, "v1/full_scale")
    write_manifest(tmp_path / "v1/full_scale", B, C, D, column=column)
    (tmp_path / "ego4d.json").write_text("not looked at where there is a manifest")
    with caplog.at_level(logging.DEBUG, "simhand"):
        assert uids(tmp_path) == [A, B], "the file that the manifest does not name is taken"
    manifest = f"{tmp_path}/v1/full_scale/manifest.csv"
    assert f"sources.ego: 2 of 3 videos that {manifest} names are not on disk: {C}, {D}" in caplog.messages
    assert f"sources.ego: 1 videos are taken that {manifest} does not name: {A}" in caplog.messages
    assert f"sources.ego: not on disk: {C} {D}" in caplog.messages


@pytest.mark.parametrize("place", ["ego4d.json", "v1/ego4d.json"])
def test_the_metadata_stands_in_for_the_manifest(tmp_path, caplog, place):
    lay_down(tmp_path, "v1/full_scale", "v1/clips")
    (tmp_path / place).write_text(
        json.dumps({"videos": [{"video_uid": A}, {"video_uid": B}, {"video_uid": C}]})
    )
    assert metadata_file(tmp_path / "v1/full_scale") == tmp_path / place
    uids(tmp_path)
    assert caplog.messages == [
        f"sources.ego: 1 of 3 videos that {tmp_path / place} names are not on disk: {C}"
    ]
    caplog.clear()
    uids(tmp_path, dataset="clips")
    assert caplog.messages == [], "ego4d.json tells of videos; clips have other uids"


def test_nothing_is_said_where_all_is_well(tmp_path, caplog):
    lay_down(tmp_path, "v1/full_scale")
    uids(tmp_path)
    write_manifest(tmp_path / "v1/full_scale", A, B)
    uids(tmp_path)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "v1/full_scale/manifest.csv",
            "uid,s3\nx,y\n",
            "expected a column file_uid or video_uid, found uid, s3",
        ),
        ("v1/full_scale/manifest.csv", "", "expected a column file_uid or video_uid, found none"),
        ("v1/full_scale/manifest.csv", f"video_uid,s3\n{A},x\n,y\n", "line 3: no video_uid"),
        ("ego4d.json", '{"videos": [', r"ego4d\.json: expected .*JSONDecodeError"),
        ("ego4d.json", '{"videos": [{"uid": 1}]}', r"ego4d\.json: expected .*KeyError\('video_uid'\)"),
    ],
)
def test_broken_lists_are_named(tmp_path, name, text, message):
    lay_down(tmp_path, "v1/full_scale")
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        uids(tmp_path)


@pytest.mark.parametrize("text", [f"{B} {D}\n{B}\n", f"{B}\n{D}\n", f"{D}.mp4\n{B}.mp4\n", RELEASED])
def test_only_the_uids_of_a_file_are_taken(tmp_path, caplog, text):
    lay_down(tmp_path, "v1/full_scale", uids=(A, B, C))
    (tmp_path / "uids.txt").write_text(text)
    assert uids(tmp_path, video_uid_file=str(tmp_path / "uids.txt")) == [B]
    assert caplog.messages == [
        f"sources.ego: 1 of 2 videos that {tmp_path}/uids.txt names are not on disk: {D}"
    ]
    write_manifest(tmp_path / "v1/full_scale", A, C)
    caplog.clear()
    uids(tmp_path, video_uid_file=str(tmp_path / "uids.txt"))
    assert caplog.messages[1:] == [
        f"sources.ego: 1 of these are not in {tmp_path}/v1/full_scale/manifest.csv, "
        f"so cannot be downloaded: {D}"
    ]


def test_a_file_of_uids_that_names_nothing_on_disk_is_refused(tmp_path):
    lay_down(tmp_path, "v1/full_scale", uids=(A,))
    (tmp_path / "uids.txt").write_text(f"{C}\n{D}\n")
    with pytest.raises(
        DataError, match=rf"video_uid_file: none of the 2 uids of .* such as {C}\.mp4, found {A}"
    ):
        uids(tmp_path, video_uid_file=str(tmp_path / "uids.txt"))
    with pytest.raises(DataError, match=f"expected a list of videos at {tmp_path}/gone"):
        uids(tmp_path, video_uid_file=str(tmp_path / "gone"))


def test_the_index_grows_and_keeps_to_its_version_and_data_set(tmp_path):
    root, index = tmp_path / "ego4d", tmp_path / "videos.tsv"
    lay_down(root, "v1/full_scale")
    first = update_index(index, {"ego": source(root)}, 10)
    (root / "v1/full_scale" / f"{C}.mp4").touch()
    assert index_of_run(index, {"ego": source(root)}, 10, None) == first, "not listed again to build the DAG"
    second = update_index(index, {"ego": source(root / "v1", version="v1")}, 10)
    assert second[:2] == first and [(row.video_id, row.shard) for row in second[2:]] == [(C, "0001")]
    lay_down(root, "v2/full_scale", "v1/video_540ss")
    for changed in (source(root, version="v2"), source(root, version="v1", dataset="video_540ss")):
        for update in (update_index, index_of_run):
            with pytest.raises(DataError, match="source name of its own"):
                update(index, {"ego": changed}, 10, None)
    both = {"ego": source(root, version="v1"), "small": source(root, version="v1", dataset="video_540ss")}
    assert [row.video_id for row in update_index(index, both, 10)[3:]] == [f"small/{A}", f"small/{B}"]
    assert read_index(index)[:3] == second

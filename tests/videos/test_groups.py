"""Which videos are one recording."""

import pytest

from simhand.errors import DataError
from simhand.files.tables import read_table
from simhand.videos.groups import write_groups
from simhand.videos.index_table import IndexedVideo


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
    write_groups(videos, csv, tmp_path / "groups.parquet")
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
        write_groups(videos, tmp_path / "nowhere.csv", tmp_path / "groups.parquet")

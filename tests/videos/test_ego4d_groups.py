"""What Ego4D's metadata says of videos that are one recording."""

import json
import logging

import pytest

from simhand.errors import DataError
from simhand.videos.ego4d_groups import ego4d_links
from simhand.videos.groups import group_videos
from simhand.videos.index_table import IndexedVideo

METADATA = {
    "version": "v2.1",
    "videos": [{"video_uid": uid, "is_stereo": uid == "stereo"} for uid in ("a", "b", "c", "d", "stereo")],
    "clips": [
        {"clip_uid": "a1", "video_uid": "a", "video_start_sec": 0.0, "video_end_sec": 300.0},
        {"clip_uid": "a2", "video_uid": "a", "video_start_sec": 300.0, "video_end_sec": 600.0},
        {"clip_uid": "c1", "video_uid": "c", "video_start_sec": 0.0, "video_end_sec": 300.0},
        {"clip_uid": "d1", "video_uid": "d", "video_start_sec": 0.0, "video_end_sec": 300.0},
    ],
    "concurrent_video_sets": [
        {
            "concurrent_video_set_id": 1,
            "valid": True,
            "videos": [
                {"concurrent_video_set_id": 1, "video_uid": "a", "video_start_offset_sec": 0.0},
                {"concurrent_video_set_id": 1, "video_uid": "b", "video_start_offset_sec": 1.2},
                {"concurrent_video_set_id": 1, "video_uid": "c", "video_start_offset_sec": 0.4},
            ],
        },
        {
            "concurrent_video_set_id": 2,
            "valid": False,
            "videos": [{"video_uid": "d"}, {"video_uid": "stereo"}],
        },
        {"concurrent_video_set_id": 3, "valid": True, "videos": []},
    ],
}


@pytest.fixture
def metadata(tmp_path):
    path = tmp_path / "ego4d.json"
    path.write_text(json.dumps(METADATA))
    return path


def grouped(metadata, **videos):
    """Groups of videos given as video_id=uid."""
    index = [IndexedVideo(video_id, "ego", f"v1/clips/{uid}.mp4", "0000") for video_id, uid in videos.items()]
    return group_videos(index, ego4d_links(metadata, index), {})


def test_cameras_at_one_event_are_one_recording(metadata, caplog):
    caplog.set_level(logging.INFO, logger="simhand")
    names = ("d", "b", "c", "a", "stereo", "unlisted")
    groups = grouped(metadata, **{name: name for name in names})
    assert groups == {"d": "d", "b": "b", "c": "b", "a": "b", "stereo": "stereo", "unlisted": "unlisted"}
    assert "1 sets of concurrent videos are marked as not valid and left out" in caplog.messages


def test_clips_of_one_video_and_of_concurrent_videos_are_one_recording(metadata):
    """Whether or not the videos they were cut from are in the run."""
    assert grouped(metadata, a2="a2", a1="a1", c1="c1", d1="d1") == {
        "a2": "a2",
        "a1": "a2",
        "c1": "a2",
        "d1": "d1",
    }
    assert grouped(metadata, d="d", d1="d1") == {"d": "d", "d1": "d"}


def test_a_video_is_known_by_its_file_if_its_id_was_taken(metadata):
    assert set(grouped(metadata, a="a", small_a="a", small_b="b").values()) == {"a"}


def test_metadata_without_sets_and_clips_links_nothing(metadata):
    metadata.write_text(json.dumps({"videos": METADATA["videos"]}))
    assert grouped(metadata, a="a", b="b") == {"a": "a", "b": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"clips": [{"clip_uid": "a1"}]}',
        '{"clips": [{"clip_uid": "a1", "video_uid": null}]}',
        '{"concurrent_video_sets": [{"videos": [{"video_uid": "a"}]}]}',
        '{"concurrent_video_sets": [{"valid": true, "videos": ["a", "b"]}]}',
    ],
)
def test_broken_metadata_is_refused(metadata, text):
    metadata.write_text(text)
    with pytest.raises(DataError, match="ego4d.json: expected Ego4D's metadata with concurrent_video_sets"):
        ego4d_links(metadata, [])


def test_missing_metadata_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere.json: expected"):
        ego4d_links(tmp_path / "nowhere.json", [])

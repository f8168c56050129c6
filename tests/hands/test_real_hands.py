"""Videos to keypoints on a few real clips, against the rough counts in their README."""

import numpy as np
import pytest
from hand_frames import rows_of, run_crops

from simhand.files.tables import read_table
from simhand.settings.frames import FramesSettings
from simhand.settings.sources import FolderSource
from simhand.videos.extract import extract_shard
from simhand.videos.index import update_index

# frames at 1 fps, and those of them in which MediaPipe found a hand when the clips were collected
ROUGHLY = {
    "exo_mixkit_dough": (5, 3),
    "exo_mixkit_loaf": (4, 4),
    "exo_dexretarget_free_hand": (21, 21),
}


@pytest.mark.realdata
def test_real_clips_give_about_as_many_hands_as_they_should(realdata, tmp_path):
    index = update_index(
        tmp_path / "videos.tsv", {"real": FolderSource(kind="folder", path=str(realdata / "videos"))}, 100
    )
    assert len(index) == 14
    videos = [video for video in index if video.video_id in ROUGHLY]
    frames, status = tmp_path / "frames.arrow", tmp_path / "frames.status.parquet"
    extract_shard(videos, frames, status, FramesSettings(), threads=2)
    crops, _ = run_crops(frames, tmp_path, threads=2)
    hands = rows_of(crops)
    for row in read_table(status, "frames_status").to_pylist():
        expected_frames, expected_with_hand = ROUGHLY[row["video_id"]]
        with_hand = {hand["frame_index"] for hand in hands if hand["video_id"] == row["video_id"]}
        assert abs(row["frames"] - expected_frames) <= 1, row
        assert abs(len(with_hand) - expected_with_hand) <= 2, row
    free_hand = [hand["side"] for hand in hands if hand["video_id"] == "exo_dexretarget_free_hand"]
    assert np.mean([side == "right" for side in free_hand]) > 0.9

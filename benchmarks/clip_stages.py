"""Clips to hands with keypoints, by the stages of the workflow in one process; for benchmarks of mining."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
import pyarrow as pa

from simhand.files.packed import PackedReader
from simhand.hands.crop_shard import CropsFiles, crop_shard
from simhand.hands.keypoint_shard import KeypointsFiles, estimate_shard
from simhand.mining.sampling import sample_set
from simhand.mining.sets import load_keypoints
from simhand.settings.crops import CropsSettings
from simhand.settings.frames import FramesSettings
from simhand.settings.groups import GroupsSettings
from simhand.settings.keypoints import KeypointsSettings
from simhand.settings.sets import SetSettings
from simhand.settings.sources import FolderSource
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.groups import write_groups
from simhand.videos.index import update_index
from simhand.videos.near_duplicates import find_near_duplicates, read_hashes

SHARD = "clips/0000"
CROP_COLUMNS = ["video_id", "frame_index", "timestamp_s", "side", "score", "landmarks"]


@dataclass(frozen=True)
class FoundHands:
    """All N hands of some clips, ascending by hand_id.

    hands: table ``set``. keypoints: (N, 21, 2) in their crops. crops: CROP_COLUMNS of table ``crops``.
    """

    hands: pa.Table
    keypoints: np.ndarray
    crops: pa.Table

    def take(self, rows: np.ndarray) -> "FoundHands":
        """The hands of these rows."""
        return FoundHands(self.hands.take(rows), self.keypoints[rows], self.crops.take(rows))

    @property
    def landmarks_px(self) -> np.ndarray:
        """(N, 21, 2) where the detector saw the joints in the frame."""
        return np.array(self.crops["landmarks"].to_pylist()).reshape(-1, 21, 3)[:, :, :2]


def find_hands(clips: Path, run_dir: Path, settings: CropsSettings, threads: int) -> FoundHands:
    """The hands in the clips of a folder, one frame per second; other stages have their default settings."""
    videos = update_index(
        run_dir / "videos.tsv", {"clips": FolderSource(kind="folder", path=str(clips))}, 10**6
    )
    frames, hashes, frames_status = (
        run_dir / f"frames/{SHARD}.{kind}" for kind in ("arrow", "hashes.parquet", "status.parquet")
    )
    extract_shard(videos, FramesFiles(frames, hashes, frames_status), FramesSettings(), threads)
    crops, crops_status = (run_dir / f"crops/{SHARD}.{kind}" for kind in ("arrow", "status.parquet"))
    crop_shard(CropsFiles(frames, frames_status, crops, crops_status), settings, threads)
    keypoints, status = (run_dir / f"keypoints/{SHARD}.{kind}" for kind in ("parquet", "status.parquet"))
    estimate_shard(KeypointsFiles(crops, crops_status, keypoints, status), KeypointsSettings(), threads)
    ids = [video.video_id for video in videos]
    duplicates = find_near_duplicates(read_hashes([hashes], ids), ids, GroupsSettings(), threads)
    groups = run_dir / "videos/groups.parquet"
    write_groups(videos, [(found.video_a, found.video_b) for found in duplicates], None, groups)
    hands = sample_set(SetSettings(balance_sides=False), 0, run_dir, [keypoints], groups)
    with PackedReader(crops, "crops") as reader:
        seen = reader.table(CROP_COLUMNS).take(hands["crop_row"])
    return FoundHands(hands, load_keypoints(run_dir, hands), seen)

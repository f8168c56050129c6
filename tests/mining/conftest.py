"""A small run folder with crops, keypoints and groups, as the stages before mining leave it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simhand.files.packed import packed_writer
from simhand.files.tables import write_table


@dataclass
class SmallRun:
    """A run folder and the hands written to it so far."""

    folder: Path
    hands: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add_shard(self, source: str, shard: str, hands: list[dict[str, Any]]) -> Path:
        """Write the crops and keypoints of ``hands`` (each hand_id, video_id, side, keypoints, valid)."""
        name = f"{source}/{shard}"
        with packed_writer(self.folder / f"crops/{name}.arrow", "crops") as crops:
            for hand in hands:
                crops.append(
                    {
                        "hand_id": hand["hand_id"],
                        "video_id": hand["video_id"],
                        "side": hand["side"],
                        "jpeg": str(hand["hand_id"]).encode(),
                    }
                )
        rows = [{**hand, "timestamp_s": 0.0, "score": 1.0, "z": [0.0] * 21} for hand in hands]
        path = self.folder / f"keypoints/{name}.parquet"
        write_table(path, "keypoints", rows)
        self.hands |= {hand["hand_id"]: {**hand, "source": source, "shard": shard} for hand in hands}
        return path

    def write_groups(self, groups: dict[str, str] | None = None) -> Path:
        """Write groups.parquet; by default every video is its own recording."""
        videos = sorted({hand["video_id"] for hand in self.hands.values()})
        groups = {video: f"recording {video}" for video in videos} if groups is None else groups
        path = self.folder / "videos/groups.parquet"
        write_table(
            path, "groups", [{"video_id": video, "group_id": group} for video, group in groups.items()]
        )
        return path

    @property
    def keypoint_files(self) -> list[Path]:
        """All keypoints files of the run."""
        return sorted((self.folder / "keypoints").rglob("*.parquet"))


def make_hand(
    rng: np.random.Generator, hand_id: int, video_id: str, side: str, **changes: Any
) -> dict[str, Any]:
    """A hand with keypoints somewhere in its crop."""
    keypoints = rng.uniform(0.2, 0.8, 42).astype(np.float32).tolist()
    return {
        "hand_id": hand_id,
        "video_id": video_id,
        "side": side,
        "keypoints": keypoints,
        "valid": True,
        **changes,
    }


@pytest.fixture
def hand_maker() -> Callable[..., dict[str, Any]]:
    """``make_hand(rng, hand_id, video_id, side, **changes)``."""
    return make_hand


@pytest.fixture
def empty_run(tmp_path: Path) -> SmallRun:
    """A run folder without hands."""
    return SmallRun(tmp_path / "run")


@pytest.fixture
def small_run(empty_run: SmallRun) -> SmallRun:
    """60 hands (24 left, 36 right, 4 of them not valid) of 6 videos in 3 shards of 2 sources."""
    rng = np.random.default_rng(7)
    hand_ids = rng.permutation(np.arange(1, 61) * 1_000_003)
    hands = [
        make_hand(rng, int(hand_id), f"video {i % 6}", "left" if i % 5 < 2 else "right", valid=i % 15 != 14)
        for i, hand_id in enumerate(hand_ids)
    ]
    for hand in hands:
        if not hand["valid"]:
            hand["keypoints"] = [float("nan")] * 42
    empty_run.add_shard("ego", "0000", [hand for hand in hands if hand["video_id"] in ("video 0", "video 1")])
    empty_run.add_shard("ego", "0001", [hand for hand in hands if hand["video_id"] in ("video 2", "video 3")])
    empty_run.add_shard("exo", "0000", [hand for hand in hands if hand["video_id"] in ("video 4", "video 5")])
    return empty_run

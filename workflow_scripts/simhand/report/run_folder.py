"""What lies in a run folder: its videos, what became of them, and its sets, pairs and experiments."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from simhand.files.tables import read_table
from simhand.videos.index_table import IndexedVideo, read_index

STATUS_TABLES = {"frames": "frames_status", "crops": "status", "keypoints": "status"}
COUNTED = {"frames": "frames", "crops": "hands", "keypoints": "hands"}


@dataclass(frozen=True)
class VideoStatus:
    """What one stage says of one video; ``count`` is its frames or hands.

    ``reached`` is False if the stage before gave it nothing to work on: what it says was said there.
    """

    video_id: str
    source: str
    ok: bool
    count: int
    reason: str
    reached: bool


@dataclass(frozen=True)
class RunFolder:
    """A run folder and the videos it is made of."""

    path: Path
    videos: list[IndexedVideo]

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Read the index of the run at ``path``.

        Raises:
            DataError: it has no readable videos.tsv.
        """
        return cls(path, read_index(path / "videos.tsv"))

    def shards(self) -> list[tuple[str, str]]:
        """Source and shard of every shard, in the order of the index."""
        return list(dict.fromkeys((video.source, video.shard) for video in self.videos))

    def status(self, stage: str) -> list[VideoStatus]:
        """What ``stage`` (frames, crops or keypoints) says of each video; stages not run say nothing."""
        found = []
        for source, shard in self.shards():
            path = self.path / stage / source / f"{shard}.status.parquet"
            if path.exists():
                columns = ["video_id", "ok", "frames", "hands", "reason"]
                for row in read_table(path, STATUS_TABLES[stage], columns).to_pylist():
                    count, reason = row[COUNTED[stage]] or 0, row["reason"] or ""
                    reached = stage == "frames" or bool(row["frames"])
                    found.append(VideoStatus(row["video_id"], source, row["ok"], count, reason, reached))
        return found

    def count(self, stage: str) -> int:
        """Frames or hands that ``stage`` has written."""
        return sum(status.count for status in self.status(stage))

    def set_sides(self, name: str) -> Counter[str]:
        """Hands of each side in a pre-training set."""
        table = read_table(self.path / "sets" / f"{name}.parquet", "set", ["side"])
        return Counter(table["side"].to_pylist())

    def pair_count(self, name: str) -> int:
        """Mined pairs of a set, all ranks together."""
        return int(pq.read_metadata(self.path / "pairs" / f"{name}.parquet").num_rows)

    def prediction_count(self, name: str) -> int:
        """Hands that a fine-tuned model was asked to predict."""
        return int(pq.read_metadata(self.path / "finetune" / name / "predictions.parquet").num_rows)


def per_source(statuses: Sequence[VideoStatus]) -> dict[str, int]:
    """The counts of a stage summed over the videos of each source."""
    sums: Counter[str] = Counter()
    for status in statuses:
        sums[status.source] += status.count
    return dict(sums)


def by_reason(statuses: Sequence[VideoStatus], ok: bool) -> dict[str, list[str]]:
    """The videos that failed (or, with ``ok``, that went well with a remark) by their reason, most first.

    A video stands only where it met its fate, not in the stages that had nothing of it any more.
    """
    reasons: dict[str, list[str]] = {}
    for status in statuses:
        if status.reached and status.ok == ok and status.reason:
            reasons.setdefault(status.reason, []).append(status.video_id)
    return dict(sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])))

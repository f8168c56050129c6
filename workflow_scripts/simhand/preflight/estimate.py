"""What a run will cost: jobs, core hours and bytes of each stage that grows with the videos.

Measured on two cores of a 2026 server processor with the clips of ``benchmarks/hands.py`` and
``benchmarks/frames.py``: 1080p and smaller, 1.3 hands per frame. Other videos cost more or less; a job's own
time and memory are in ``benchmarks/`` of a run once it has done something.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simhand.preflight.planned_jobs import PlannedJob
from simhand.settings.config import Config
from simhand.videos.index_table import IndexedVideo
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.video_file import VideoError

PROBED = 40
"""Videos per source whose headers are read; the others are taken to have as many seconds per byte."""

HANDS_PER_FRAME = 1.3
CORE_SECONDS_PER_FRAME = {"extract_frames": 0.11, "crop_hands": 0.042, "estimate_keypoints": 0.002}
BYTES_PER_FRAME = {
    "extract_frames": 150_000,
    "crop_hands": HANDS_PER_FRAME * 9_100,
    "estimate_keypoints": HANDS_PER_FRAME * 370,
}
CHECKPOINT_BYTES = {"pretrain_encoder": 1.2e9, "finetune_detnet": 1.5e9}
"""Of ResNet-50: two checkpoints in progress, the final one, and the encoder."""


@dataclass(frozen=True)
class StageCost:
    """One stage; hours on one core, None where there is no figure for it."""

    rule: str
    jobs: int
    core_hours: float | None
    bytes: float | None


@dataclass
class Estimate:
    """The stages in the order of their jobs, the length of all videos, and what is not known."""

    stages: list[StageCost] = field(default_factory=list)
    video_hours: float = 0.0
    unknown: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> float:
        """What the run will write and keep."""
        return sum(stage.bytes or 0 for stage in self.stages)


def estimate(config: Config, videos: Sequence[IndexedVideo], jobs: Sequence[PlannedJob]) -> Estimate:
    """What ``jobs`` will cost; the videos of shards that are done count as if they were still to be done."""
    found = Estimate()
    seconds = 0.0
    by_source: dict[str, list[IndexedVideo]] = defaultdict(list)
    for video in videos:
        by_source[video.source].append(video)
    for name, of_source in by_source.items():
        rendered = config.all_sources()[name].kind == "rendered"
        length = config.world.duration_s * len(of_source) if rendered else _seconds_of(of_source)
        if length is None:
            found.unknown.append(f"source {name}: no header of its videos says how long they are")
        else:
            seconds += length
    found.video_hours = seconds / 3600
    shards = len({(video.source, video.shard) for video in videos})
    counts = Counter(job.rule for job in jobs)
    for rule, count in counts.items():
        if rule in CORE_SECONDS_PER_FRAME:
            share = count / shards if shards else 0
            kept = config.frames.keep or rule != "extract_frames"
            size = BYTES_PER_FRAME[rule] * seconds * share if kept else 0.0
            hours = CORE_SECONDS_PER_FRAME[rule] * seconds * share / 3600
            found.stages.append(StageCost(rule, count, hours, size))
        else:
            checkpoints = CHECKPOINT_BYTES.get(rule)
            found.stages.append(StageCost(rule, count, None, count * checkpoints if checkpoints else None))
    return found


def _seconds_of(videos: list[IndexedVideo]) -> float | None:
    """The length of all ``videos``, from the headers of some; None if none can be read."""
    files = [Path(video.path) for video in videos]
    chosen = random.Random(0).sample(files, min(PROBED, len(files)))
    lengths, sizes = 0.0, 0
    for path in chosen:
        try:
            with PyavVideo(path) as opened:
                probe = opened.probe()
        except VideoError:
            continue
        if probe.duration_s == probe.duration_s:
            lengths += probe.duration_s
            sizes += probe.bytes
    if not sizes:
        return None
    return lengths / sizes * sum(path.stat().st_size for path in files if path.is_file())

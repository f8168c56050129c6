"""How long the videos are that a run reads, from the headers of some of them."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from simhand.settings.config import Config
from simhand.videos.index_table import IndexedVideo
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.video_file import VideoError

PROBED = 40
"""Videos per source whose headers are read; the others are taken to have as many seconds per byte."""


@dataclass
class VideoLengths:
    """Seconds of video by source, and the sources of which that is not known."""

    seconds: dict[str, float] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def lengths_of(config: Config, videos: Iterable[IndexedVideo]) -> VideoLengths:
    """How long ``videos`` are together, by source; the demo world's are as long as the config says."""
    found = VideoLengths()
    by_source: dict[str, list[IndexedVideo]] = defaultdict(list)
    for video in videos:
        by_source[video.source].append(video)
    for name, of_source in by_source.items():
        rendered = config.all_sources()[name].kind == "rendered"
        seconds = config.world.duration_s * len(of_source) if rendered else _seconds_of(of_source)
        if seconds is None:
            found.unknown.append(name)
        else:
            found.seconds[name] = seconds
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

"""What went through the stages of a run and what did not, as tables of the report."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simhand.errors import DataError
from simhand.mining.hubness import PartnerStatistics
from simhand.report.run_folder import RunFolder, VideoStatus, by_reason, per_source

STAGES = {"frames": "frames", "crops": "hands", "keypoints": "hands with keypoints"}
VIDEOS_NAMED = 12


@dataclass(frozen=True)
class SourceRow:
    """What one source of videos gave."""

    source: str
    videos: int
    failed: int
    frames: int
    hands: int
    keypoints: int


@dataclass(frozen=True)
class SetRow:
    """One pre-training set."""

    name: str
    left: int
    right: int
    pairs: int


@dataclass(frozen=True)
class PartnerRow:
    """Who serves as a partner of one rank in one set."""

    set: str
    rank: int
    statistics: PartnerStatistics


@dataclass(frozen=True)
class Incident:
    """Videos that met the same fate in one stage; ``failed`` is False for a mere remark."""

    stage: str
    reason: str
    videos: list[str]
    unnamed: int
    failed: bool

    @property
    def count(self) -> int:
        """How many videos."""
        return len(self.videos) + self.unnamed


@dataclass(frozen=True)
class StageTime:
    """What one rule took over all of its jobs, from Snakemake's benchmark files."""

    rule: str
    jobs: int
    total_s: float
    longest_s: float
    peak_memory_mb: float | None


def source_rows(run: RunFolder) -> list[SourceRow]:
    """One row per source, in the order of the index."""
    statuses = {stage: run.status(stage) for stage in STAGES}
    counts = {stage: per_source(found) for stage, found in statuses.items()}
    failed = {
        (status.source, status.video_id) for found in statuses.values() for status in found if not status.ok
    }
    return [
        SourceRow(
            source=source,
            videos=sum(video.source == source for video in run.videos),
            failed=sum(name == source for name, _ in failed),
            frames=counts["frames"].get(source, 0),
            hands=counts["crops"].get(source, 0),
            keypoints=counts["keypoints"].get(source, 0),
        )
        for source in dict.fromkeys(video.source for video in run.videos)
    ]


def set_rows(run: RunFolder, sets: Sequence[str]) -> list[SetRow]:
    """One row per pre-training set."""
    rows = []
    for name in sets:
        sides = run.set_sides(name)
        rows.append(SetRow(name, sides["left"], sides["right"], run.pair_count(name)))
    return rows


def partner_rows(run: RunFolder, sets: Sequence[str]) -> list[PartnerRow]:
    """One row per set and rank, from pairs/<set>.json.

    Raises:
        DataError: such a file is missing or says nothing of partners.
    """
    rows = []
    for name in sets:
        path = run.path / "pairs" / f"{name}.json"
        try:
            partners = json.loads(path.read_text(encoding="utf-8"))["partners"]
            rows += [PartnerRow(name, int(rank), PartnerStatistics(**partners[rank])) for rank in partners]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} does not tell who serves as a partner ({error!r}); run mine_pairs (of an imported "
                "set: import_set) again"
            ) from error
    return rows


def incidents(run: RunFolder) -> list[Incident]:
    """Failures of every stage, then remarks, each with the videos that they concern."""
    statuses = {stage: run.status(stage) for stage in STAGES}
    return [
        incident
        for ok in (False, True)
        for stage, found in statuses.items()
        for incident in _incidents(stage, found, ok)
    ]


def stage_times(folder: Path) -> list[StageTime]:
    """What every rule took, the longest first; nothing if the run was made without benchmarks.

    A rule with many jobs has a folder of files, a rule with one job a file.

    Raises:
        DataError: a file is not a benchmark of Snakemake.
    """
    jobs: dict[str, list[tuple[float, float | None]]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        jobs.setdefault(rule, []).extend(_benchmark(path))
    times = [
        StageTime(
            rule=rule,
            jobs=len(found),
            total_s=sum(seconds for seconds, _ in found),
            longest_s=max(seconds for seconds, _ in found),
            peak_memory_mb=max((memory for _, memory in found if memory is not None), default=None),
        )
        for rule, found in jobs.items()
        if found
    ]
    return sorted(times, key=lambda time: (-time.total_s, time.rule))


def times_table(times: Sequence[StageTime]) -> str:
    """What every rule took as CSV, in the order given; empty where a memory is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rule", "jobs", "total_s", "longest_s", "peak_memory_mb"])
    for time in times:
        memory = "" if time.peak_memory_mb is None else f"{time.peak_memory_mb:.0f}"
        writer.writerow([time.rule, time.jobs, f"{time.total_s:.1f}", f"{time.longest_s:.1f}", memory])
    return text.getvalue()


def _incidents(stage: str, statuses: Sequence[VideoStatus], ok: bool) -> list[Incident]:
    return [
        Incident(stage, reason, videos[:VIDEOS_NAMED], max(0, len(videos) - VIDEOS_NAMED), failed=not ok)
        for reason, videos in by_reason(statuses, ok).items()
    ]


def _benchmark(path: Path) -> list[tuple[float, float | None]]:
    """Seconds and peak memory in MB of each job in a file; jobs too short to sample have no memory."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [
                (float(row["s"]), _number(row["max_rss"])) for row in csv.DictReader(file, delimiter="\t")
            ]
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} is not a Snakemake benchmark ({error}); delete it") from error


def _number(text: str) -> float | None:
    return None if text in ("", "-", "NA") else float(text)

"""What a run will cost: jobs, core hours and bytes of each stage, and together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simhand.preflight.costs_of_jobs import Costs
from simhand.preflight.planned_jobs import PlannedJob
from simhand.settings.config import Config
from simhand.videos.index_table import IndexedVideo


@dataclass(frozen=True)
class StageCost:
    """One stage; hours on one core and bytes, None where there is no figure for it."""

    rule: str
    jobs: int
    core_hours: float | None
    bytes: float | None


@dataclass(frozen=True)
class Estimate:
    """The stages in the order of their jobs."""

    stages: list[StageCost]

    @property
    def core_hours(self) -> float:
        """What is known of the time that the run will take."""
        return sum(stage.core_hours or 0 for stage in self.stages)

    @property
    def bytes(self) -> float:
        """What the run will write and keep."""
        return sum(stage.bytes or 0 for stage in self.stages)


def estimate(
    config: Config, videos: Sequence[IndexedVideo], seconds: Mapping[str, float], jobs: Iterable[PlannedJob]
) -> Estimate:
    """What ``jobs`` will cost.

    Args:
        config: the run's.
        videos: those of the index.
        seconds: of video by source, as many in each shard; a source that is left out costs nothing.
        jobs: what is still to be done.
    """
    shards: dict[str, set[str]] = defaultdict(set)
    for video in videos:
        shards[video.source].add(video.shard)
    costs = Costs(
        config, seconds, {name: seconds.get(name, 0.0) / len(found) for name, found in shards.items()}
    )
    by_rule: dict[str, list[PlannedJob]] = defaultdict(list)
    for job in jobs:
        by_rule[job.rule].append(job)
    stages = []
    for rule, alike in by_rule.items():
        core_seconds, written = _sum(map(costs.core_seconds, alike)), _sum(map(costs.bytes, alike))
        hours = None if core_seconds is None else core_seconds / 3600
        stages.append(StageCost(rule, len(alike), hours, written))
    return Estimate(stages)


def _sum(figures: Iterable[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None

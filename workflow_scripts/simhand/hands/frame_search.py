"""Goes through the frames of a shard, video by video, and writes what is found in them to one table.

Finished videos are kept as parts (:mod:`simhand.files.shard_parts`), so a job that was killed goes on
where it was, and the outputs are the same.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from simhand.files.packed import PackedReader
from simhand.files.shard_parts import ShardFiles, ShardParts, shard_parts
from simhand.hands.video_rows import (
    VideoRows,
    part_identities,
    rows_by_video,
    status_without_rows,
    statuses_before,
)
from simhand.videos.failures import check_failures
from simhand.videos.progress import Progress
from simhand.videos.worker_pool import Work, map_in_order

FRAMES_PER_TASK = 32

Row = dict[str, Any]

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class SearchFiles:
    """The two files of the frames stage that are read for a shard, and the two that are written."""

    frames: Path
    frames_status: Path
    found: Path
    status: Path


@dataclass(frozen=True)
class FrameSearch:
    """What is looked for in the frames of a shard.

    Attributes:
        table: name of the table that the rows belong to.
        section: name of the config section, for messages.
        module: ``__file__`` of the module that searches; with ``settings_json`` and ``inputs`` it tells
            whether what an earlier job found still holds.
        settings_json: the settings that matter for what is found.
        inputs: the files that are read.
        make_function: picklable; what it returns gives the rows for some frames of a video.
        is_hand: whether a row of the table counts as a hand in the status.
        workers: number of processes.
        frame_timeout_s: limit for one frame.
        max_failed_fraction: share of the videos that may fail.
    """

    table: str
    section: str
    module: str
    settings_json: str
    inputs: Sequence[Path]
    make_function: Callable[[], Callable[[VideoRows], list[Row]]]
    is_hand: Callable[[Row], bool]
    workers: int
    frame_timeout_s: float
    max_failed_fraction: float


@dataclass
class VideoHands:
    """What became of one video so far."""

    frames: int = 0
    hands: int = 0
    failures: list[str] = field(default_factory=list)

    def status_row(self, video_id: str) -> Row:
        """Its row of the status table; a video without hands is fine, but says so."""
        reason = "; ".join(self.failures) or ("" if self.hands else "no hands found")
        counts = {"frames": self.frames, "hands": self.hands}
        return {"video_id": video_id, "ok": not self.failures, **counts, "reason": reason}


def search_frames(
    search: FrameSearch, files: SearchFiles, check: Callable[[ShardParts], None] | None = None
) -> None:
    """Write what is found in the frames of a shard, in their order, and a status row per video.

    A video with frames that crash or hang the search keeps what was found in its other frames.

    Args:
        search: what is looked for.
        files: where to look and where to write.
        check: called before the files appear; may raise.

    Raises:
        DataError: more than ``search.max_failed_fraction`` of the videos failed, or the inputs do not
            belong together.
        DiskFullError: no room.
    """
    tasks = _tasks(files.frames)
    identities = part_identities(tasks, search.module, search.settings_json, search.inputs)
    before = statuses_before(files.frames_status, "frames_status", identities, files.frames)
    statuses = {name: status_without_rows(row, "frames") for name, row in before.items()}
    with shard_parts(ShardFiles({search.table: files.found}, "status", files.status), identities) as parts:
        finished = parts.finished()
        statuses |= finished
        with Progress(_totals(tasks), _done(finished.values())) as progress:
            todo = [task for task in tasks if task.video_id not in finished]
            for status in _search_all(search, todo, parts, progress):
                statuses[status["video_id"]] = status
        if check is not None:
            check(parts)
        failed = {name: statuses[name]["reason"] for name in identities if not statuses[name]["ok"]}
        check_failures(failed, len(identities), search.max_failed_fraction, search.section)
        parts.publish(statuses.values())


def _search_all(
    search: FrameSearch, tasks: list[VideoRows], parts: ShardParts, progress: Progress
) -> Iterator[Row]:
    """Make the parts of the videos of ``tasks`` and give their status rows."""
    work = Work(
        search.make_function, tasks, search.workers, lambda task: search.frame_timeout_s * len(task.rows)
    )
    with closing(map_in_order(work)) as outcomes:
        # grouped by the tasks, not the outcomes: a video is finished before the next one's outcome is there
        for video_id, portions in groupby(tasks, key=lambda task: task.video_id):
            video = VideoHands()
            with parts.writer(video_id) as part:
                for task in portions:
                    outcome = next(outcomes)
                    rows = outcome.value or []
                    if outcome.failure:
                        video.failures.append(f"{len(task.rows)} frames failed: {outcome.failure}")
                        log.warning("%s: %s", video_id, video.failures[-1])
                    for row in rows:
                        part.append(search.table, row)
                    hands = sum(map(search.is_hand, rows))
                    video.frames += len(task.rows)
                    video.hands += hands
                    progress.advance({"frames": len(task.rows), "hands": hands})
                part.status = video.status_row(video_id)
            progress.advance({"videos": 1})
            yield part.status


def _tasks(frames_file: Path) -> list[VideoRows]:
    """Rows with a new frame: one that stands for several seconds is looked at once."""
    with PackedReader(frames_file, "frames") as reader:
        table = reader.table(["video_id", "frame_index"])
    frames = list(zip(table["video_id"].to_pylist(), table["frame_index"].to_pylist(), strict=True))
    new = [row for row, frame in enumerate(frames) if row == 0 or frame != frames[row - 1]]
    return rows_by_video(((row, frames[row][0]) for row in new), FRAMES_PER_TASK)


def _totals(tasks: list[VideoRows]) -> dict[str, float | None]:
    frames = sum(len(task.rows) for task in tasks)
    return {"frames": frames, "videos": len({task.video_id for task in tasks}), "hands": None}


def _done(statuses: Collection[Row]) -> dict[str, float]:
    return {
        "frames": sum(status["frames"] for status in statuses),
        "videos": len(statuses),
        "hands": sum(status["hands"] for status in statuses),
    }

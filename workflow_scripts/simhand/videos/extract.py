"""Stage ``frames``: the videos of one shard to one packed file of JPEG frames, their hashes and a status."""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.files.identity import code_identity, digest_of, file_identity, size_bytes
from simhand.files.shard_parts import ShardFiles, ShardParts, part_writer, shard_parts
from simhand.settings.frames import FramesSettings
from simhand.settings.frames_source import FramesSource
from simhand.videos.decoders import check_decoder, open_video
from simhand.videos.failures import check_failures
from simhand.videos.index_table import IndexedVideo
from simhand.videos.packet_index import IrregularVideo
from simhand.videos.perceptual_hash import perceptual_hash
from simhand.videos.progress import Progress
from simhand.videos.sampling import TimedFrame
from simhand.videos.video_file import Probe, VideoError
from simhand.videos.worker_pool import Work, map_as_done

TABLES = ("frames", "hashes")

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class FramesFiles:
    """What the stage writes for a shard."""

    frames: Path
    hashes: Path
    status: Path


@dataclass(frozen=True)
class VideoTask:
    """One video, the part that it becomes, and the threads that may decode it."""

    video: IndexedVideo
    part: Path
    threads: int


def extract_shard(
    videos: Sequence[IndexedVideo],
    files: FramesFiles,
    settings: FramesSettings,
    threads: int,
    source: FramesSource | None = None,
) -> None:
    """Write the frames of ``videos``, in their order, their hashes, and a status row for each video.

    A broken video gives what could be read of it. The outputs do not depend on ``threads``, nor on how
    often the job was killed and begun again; videos that are finished are not read again. With a
    ``source`` of frames, each video is a folder of frames.

    Raises:
        ConfigError: the settings ask for what this machine has not.
        DataError: more than ``settings.max_failed_fraction`` of the videos gave no frame.
        DiskFullError: no room.
    """
    check_decoder(settings)
    tables = dict(zip(TABLES, (files.frames, files.hashes), strict=True))
    identities = _identities(videos, settings, source)
    with shard_parts(ShardFiles(tables, "frames_status", files.status), identities) as parts:
        statuses = parts.finished()
        todo = [video for video in videos if video.video_id not in statuses]
        with Progress(_totals(videos), _done_before(videos, statuses)) as progress:
            for video, status in _extract_all(todo, parts, settings, source, threads):
                statuses[video.video_id] = status
                progress.advance({"videos": 1, "frames": status["frames"], "MB": _size_mb(video)})
        failed = [video for video in videos if not statuses[video.video_id]["ok"]]
        reasons = {video.path: statuses[video.video_id]["reason"] for video in failed}
        check_failures(reasons, len(videos), settings.max_failed_fraction, "frames")
        parts.publish(statuses[video.video_id] for video in videos)


def _identities(
    videos: Sequence[IndexedVideo], settings: FramesSettings, source: FramesSource | None
) -> dict[str, str]:
    """A digest per video of all that its frames depend on."""
    common = [code_identity(Path(__file__)), settings.effective_json()]
    if source is not None:
        common.append(source.model_dump_json())
        if source.video_list is not None:
            common.append(digest_of(file_identity(Path(source.video_list).expanduser())))
    return {video.video_id: digest_of(common, video.video_id, file_identity(video.path)) for video in videos}


def _extract_all(
    videos: Sequence[IndexedVideo],
    parts: ShardParts,
    settings: FramesSettings,
    source: FramesSource | None,
    threads: int,
) -> Iterator[tuple[IndexedVideo, dict[str, Any]]]:
    """Videos and their status rows as they come; the largest are begun first, so that none is left over."""
    workers = min(threads, len(videos))
    by_size = sorted(videos, key=_size_mb, reverse=True)
    tasks = [VideoTask(video, parts.path(video.video_id), max(1, threads // workers)) for video in by_size]
    work = Work(
        functools.partial(_make_extractor, settings, source),
        tasks,
        workers,
        lambda task: settings.video_timeout_s,
        # a hardware decoder's driver maps what it likes
        settings.worker_memory_mb * 1_000_000 if settings.hardware is None else None,
    )
    with closing(map_as_done(work)) as outcomes:
        for task, outcome in outcomes:
            # a worker that died after its part was complete has done its work
            status = outcome.value or parts.status(task.video.video_id)
            if status is None:
                status = _status_row(task.video, False, 0, outcome.failure, None)
                parts.forget(task.video.video_id)
            if status["reason"]:
                log.warning("%s: %s", task.video.video_id, status["reason"])
            yield task.video, status


def _make_extractor(
    settings: FramesSettings, source: FramesSource | None
) -> Callable[[VideoTask], dict[str, Any]]:
    cv2.setNumThreads(1)
    return functools.partial(_extract_video, settings, source)


def _extract_video(settings: FramesSettings, source: FramesSource | None, task: VideoTask) -> dict[str, Any]:
    """Make the part of one video and give its status row; runs in a worker."""
    try:
        return _make_part(settings, source, task)
    except IrregularVideo:
        # found out late; nothing is kept of the first attempt
        return _make_part(settings.model_copy(update={"decode": "all"}), source, replace(task, threads=1))


def _make_part(settings: FramesSettings, source: FramesSource | None, task: VideoTask) -> dict[str, Any]:
    probe = None
    try:
        with (
            open_video(task.video.path, settings, task.threads, source) as video,
            part_writer(task.part, TABLES) as part,
        ):
            probe = video.probe()
            frames = 0
            for frame in video.sampled(settings.sampling):
                key = {"video_id": task.video.video_id, "frame_index": frame.index}
                key["timestamp_s"] = float(frame.time_s)
                part.append("frames", key | _encoded(frame, settings))
                part.append("hashes", key | {"hash": perceptual_hash(frame.image)})
                frames += 1
            part.status = _status_row(task.video, True, frames, "; ".join(video.problems), probe)
            return part.status
    except VideoError as error:
        return _status_row(task.video, False, 0, str(error), probe)
    except MemoryError:
        limit = f"needs more memory than frames.worker_memory_mb = {settings.worker_memory_mb} allows"
        return _status_row(task.video, False, 0, limit, probe)


def _encoded(frame: TimedFrame[np.ndarray], settings: FramesSettings) -> dict[str, Any]:
    image = _at_most(frame.image, settings.max_height_px)
    jpeg = frame.jpeg if image is frame.image else None
    if jpeg is None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
        jpeg = cv2.imencode(".jpg", image, quality)[1].tobytes()
    return {"width": image.shape[1], "height": image.shape[0], "jpeg": jpeg}


def _at_most(image: np.ndarray, max_height_px: int | None) -> np.ndarray:
    height, width = image.shape[:2]
    if max_height_px is None or height <= max_height_px:
        return image
    size = (max(1, round(width * max_height_px / height)), max_height_px)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _status_row(
    video: IndexedVideo, ok: bool, frames: int, reason: str, probe: Probe | None
) -> dict[str, Any]:
    row = {"video_id": video.video_id, "ok": ok, "frames": frames, "reason": reason}
    return row | (asdict(probe) if probe else {})


def _totals(videos: Sequence[IndexedVideo]) -> dict[str, float | None]:
    return {"MB": sum(map(_size_mb, videos)), "videos": len(videos), "frames": None}


def _done_before(videos: Sequence[IndexedVideo], statuses: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    done = [video for video in videos if video.video_id in statuses]
    frames = sum(status["frames"] for status in statuses.values())
    return {"MB": sum(map(_size_mb, done)), "videos": len(done), "frames": frames}


def _size_mb(video: IndexedVideo) -> float:
    """How much there is to read, the measure of the work; 0 if it is not there."""
    return size_bytes(video.path) / 1e6

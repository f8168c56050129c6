"""Stage ``frames``: the videos of one shard to one packed file of JPEG frames and a status table."""

import functools
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.files.packed import PackedReader, PackedWriter, packed_writer
from simhand.files.tables import write_table
from simhand.settings.frames import FramesSettings
from simhand.videos.decoders import open_video
from simhand.videos.failures import check_failures
from simhand.videos.index_table import IndexedVideo
from simhand.videos.progress import Progress
from simhand.videos.seconds import TimedFrame
from simhand.videos.video_file import Probe, VideoError
from simhand.videos.worker_pool import map_in_order

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class VideoTask:
    """One video and the file that its frames go to before the shard is put together."""

    video: IndexedVideo
    part: Path
    threads: int


@dataclass(frozen=True)
class VideoResult:
    """How one video went; ``reason`` tells of trouble even if frames were found (``ok``)."""

    ok: bool
    frames: int
    reason: str
    probe: Probe | None


def extract_shard(
    videos: Sequence[IndexedVideo],
    frames_file: Path,
    status_file: Path,
    settings: FramesSettings,
    threads: int,
) -> None:
    """Write the frames of ``videos``, in their order, to ``frames_file`` and one row each to ``status_file``.

    A broken video gives what could be read of it. The outputs do not depend on ``threads``.

    Raises:
        DataError: more than ``settings.max_failed_fraction`` of the videos gave no frame.
    """
    workers = min(threads, len(videos))
    results: list[VideoResult] = []
    with _parts_folder(frames_file) as folder, packed_writer(frames_file, "frames") as writer:
        tasks = [
            VideoTask(video, folder / f"{number:06d}.arrow", max(1, threads // workers))
            for number, video in enumerate(videos)
        ]
        make_extractor = functools.partial(_make_extractor, settings)
        outcomes = map_in_order(make_extractor, tasks, workers, lambda task: settings.video_timeout_s)
        with Progress(len(videos), "videos", "frames") as progress:
            for task, outcome in zip(tasks, outcomes, strict=True):
                result = outcome.value or VideoResult(False, 0, outcome.failure, None)
                if result.ok:
                    _append_part(task.part, writer)
                if result.reason:
                    log.warning("%s: %s", task.video.video_id, result.reason)
                results.append(result)
                progress.advance(1, result.frames)
        pairs = zip(videos, results, strict=True)
        failed = {video.path: result.reason for video, result in pairs if not result.ok}
        check_failures(failed, len(videos), settings.max_failed_fraction, "frames")
        write_table(status_file, "frames_status", map(_status_row, videos, results))


def _make_extractor(settings: FramesSettings) -> Callable[[VideoTask], VideoResult]:
    cv2.setNumThreads(1)
    return functools.partial(_extract_video, settings)


def _extract_video(settings: FramesSettings, task: VideoTask) -> VideoResult:
    """Decode one video into its part file; runs in a worker."""
    probe = None
    try:
        with (
            open_video(task.video.path, settings, task.threads) as video,
            packed_writer(task.part, "frames") as writer,
        ):
            probe = video.probe()
            for frame in video.sampled(settings.sampling):
                writer.append({"video_id": task.video.video_id, **_encoded(frame, settings)})
            return VideoResult(True, writer.rows, "; ".join(video.problems), probe)
    except VideoError as error:
        return VideoResult(False, 0, str(error), probe)


def _encoded(frame: TimedFrame[np.ndarray], settings: FramesSettings) -> dict[str, Any]:
    image = _at_most(frame.image, settings.max_height_px)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])
    return {
        "frame_index": frame.index,
        "timestamp_s": float(frame.time_s),
        "width": image.shape[1],
        "height": image.shape[0],
        "jpeg": jpeg.tobytes(),
    }


def _at_most(image: np.ndarray, max_height_px: int | None) -> np.ndarray:
    height, width = image.shape[:2]
    if max_height_px is None or height <= max_height_px:
        return image
    size = (max(1, round(width * max_height_px / height)), max_height_px)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


@contextmanager
def _parts_folder(frames_file: Path) -> Iterator[Path]:
    """A hidden folder beside the output: on its disk, and told from other shards' if a kill leaves it."""
    frames_file.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in frames_file.parent.glob(f".{frames_file.stem}.parts.*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{frames_file.stem}.parts.", dir=frames_file.parent) as folder:
        yield Path(folder)


def _append_part(part: Path, writer: PackedWriter) -> None:
    with PackedReader(part, "frames") as reader:
        for row in range(len(reader)):
            writer.append(reader.row(row))
    part.unlink()


def _status_row(video: IndexedVideo, result: VideoResult) -> dict[str, Any]:
    row = {"video_id": video.video_id, "ok": result.ok, "frames": result.frames, "reason": result.reason}
    return row | (asdict(result.probe) if result.probe else {})

"""What every decoder offers: a video opened and probed, its sampled frames, and what was wrong with it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from simhand.settings.frames import FramesSettings
from simhand.videos.sampling import Image, Sampling, TimedFrame

# a video that ends this much earlier than its header says was cut off; encoders' rounding is smaller
TRUNCATED_BY_S = 1
# a slide may stay on for long; a longer gap comes from damaged timestamps and would repeat a frame for ever
LONGEST_GAP_S = 3600
# of a stream that has neither timestamps nor a rate, as ffmpeg assumes
DEFAULT_RATE = Fraction(25)

USUAL = FramesSettings()


class VideoError(Exception):
    """Why a video cannot be read, in a few words for its status row."""


@dataclass(frozen=True)
class Probe:
    """What the headers of a video say, NaN or None where they say nothing; size in pixels before rotation."""

    duration_s: float
    fps: float
    width: int | None
    height: int | None
    start_time_s: float
    codec: str | None
    bytes: int


class VideoFile(ABC):
    """A video file opened for one pass over its frames, in presentation order.

    The headers are read in process whatever decodes the frames, so that all decoders take the same
    stream and refuse the same files in the same words.

    Attributes:
        problems: what went wrong without ending the pass, in words; complete when the pass ends.

    Raises:
        VideoError: missing, empty, not a video, without a video stream, or cut off before its header.
    """

    def __init__(self, path: Path | str, settings: FramesSettings = USUAL, threads: int = 1) -> None:
        self.path, self.settings, self.threads = Path(path), settings, threads
        self._bytes = _size(self.path)
        self.problems: list[str] = []
        try:
            self.container = av.open(str(path))
        except av.error.InvalidDataError as error:
            raise VideoError(_why_unreadable(self.path)) from error
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"cannot be opened: {error.strerror}") from error
        try:
            self.stream = self._first_video_stream()
        except VideoError:
            self.close()
            raise
        rate = Fraction(self.stream.average_rate or self.stream.guessed_rate or 0)
        self._rate, self.frame_s = rate, 1 / (rate or DEFAULT_RATE)
        self.time_base = Fraction(self.stream.time_base or av.time_base)

    @abstractmethod
    def sampled(self, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """The sampled frames as displayed, (height, width, 3) uint8 BGR, with their true PTS.

        Raises:
            VideoError: no frame can be decoded, or not reliably.
            IrregularVideo: forget the frames given so far; begin again with ``decode: all`` and one thread.
        """

    def probe(self) -> Probe:
        """What the headers say, without decoding."""
        context = self.stream.codec_context
        start = None if self.stream.start_time is None else self.stream.start_time * self.time_base
        return Probe(
            duration_s=_or_nan(self._declared_duration_s()),
            fps=_or_nan(self._rate or None),
            width=context.width if context else None,
            height=context.height if context else None,
            start_time_s=_or_nan(start),
            codec=context.name if context else None,
            bytes=self._bytes,
        )

    def in_order(self, frames: Iterable[TimedFrame[Image]]) -> Iterator[TimedFrame[Image]]:
        """All decoded ``frames`` but those whose PTS runs backwards; notes what is wrong with their times."""
        first: Fraction | None = None
        last: Fraction | None = None
        backwards = 0
        for frame in frames:
            if last is not None and frame.time_s < last:
                backwards += 1
                continue
            if last is not None and frame.time_s - last > LONGEST_GAP_S:
                self.problems.append(f"timestamps jump by {float(frame.time_s - last):.0f} s; stopped there")
                return
            first, last = frame.time_s if first is None else first, frame.time_s
            yield frame
        if first is None or last is None:
            raise VideoError("; ".join(self.problems) or "no frame could be decoded")
        if backwards:
            self.problems.append(f"{backwards} frames left out whose timestamps run backwards")
        declared = self._declared_duration_s()
        # Matroska counts its duration from 0, not from its first frame
        begin = first if self.stream.duration is not None else min(first, Fraction(0))
        read = last + self.frame_s - begin
        if declared is not None and read < declared - TRUNCATED_BY_S:
            cut = f"truncated: {float(read):.1f} s of {float(declared):.1f} s could be read"
            self.problems.insert(0, cut)

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _first_video_stream(self) -> "av.VideoStream":
        """The first moving picture: the cover of a song is a video stream too."""
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in self.container.streams.video if not stream.disposition & cover]
        if not streams:
            raise VideoError("no video stream")
        return streams[0]

    def _declared_duration_s(self) -> Fraction | None:
        if self.stream.duration is not None:
            return self.stream.duration * self.time_base
        if self.container.duration is not None and len(self.container.streams) == 1:
            return Fraction(self.container.duration, av.time_base)
        return None


def _size(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise VideoError(f"cannot be found: {error.strerror}") from error
    if not path.is_file():
        # to open a named pipe would wait for ever for someone to write to it
        raise VideoError("not a file but a folder, a pipe or a device")
    if size == 0:
        raise VideoError("0 bytes")
    return size


def _why_unreadable(path: Path) -> str:
    """An MP4 keeps its table of contents at the end, so one that was cut off cannot be opened at all."""
    with path.open("rb") as file:
        is_mp4 = file.read(12)[4:8] == b"ftyp"
    return "truncated: its table of contents (moov) is missing" if is_mp4 else "not a video"


def _or_nan(value: Fraction | None) -> float:
    return math.nan if value is None else float(value)

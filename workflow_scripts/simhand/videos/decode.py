"""Opens, probes and decodes videos with PyAV; says in words what is wrong with a broken one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from simhand.videos.seconds import TimedFrame

# a video that ends this much earlier than its header says was cut off; encoders' rounding is smaller
TRUNCATED_BY_S = 1
# a slide may stay on for long; a longer gap comes from damaged timestamps and would repeat a frame for ever
LONGEST_GAP_S = 3600
# of a stream that has neither timestamps nor a rate, as ffmpeg assumes
DEFAULT_RATE = Fraction(25)


class VideoError(Exception):
    """Why a video cannot be read, in a few words for its status row."""


@dataclass(frozen=True)
class Probe:
    """What the headers of a video say, NaN where they say nothing; size in pixels before rotation."""

    duration_s: float
    fps: float
    width: int
    height: int
    start_time_s: float
    codec: str
    bytes: int


class Video:
    """A video file opened for one pass over its frames, in presentation order.

    PyAV rather than a piped ffmpeg: the PTS comes with the frame, and a change of size in mid-stream,
    at which ffmpeg starts its filters (and so its clock) afresh, changes nothing.

    Attributes:
        problems: what went wrong without ending the pass, in words; complete when :meth:`frames` ends.

    Raises:
        VideoError: missing, empty, not a video, cut off before its header, or of an unknown codec.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        self._path = Path(path)
        self._bytes = _size(self._path)
        self.problems: list[str] = []
        try:
            self._container = av.open(str(path))
        except av.error.InvalidDataError as error:
            raise VideoError(_why_unreadable(self._path)) from error
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"cannot be opened: {error.strerror}") from error
        try:
            self._stream = self._first_video_stream()
        except VideoError:
            self.close()
            raise
        self._rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or 0)
        self._time_base = Fraction(self._stream.time_base or av.time_base)
        self._stream.codec_context.thread_count = threads
        self._stream.codec_context.thread_type = "AUTO"

    def probe(self) -> Probe:
        """What the headers say, without decoding."""
        stream = self._stream
        start = None if stream.start_time is None else stream.start_time * self._time_base
        return Probe(
            duration_s=_or_nan(self._declared_duration_s()),
            fps=_or_nan(self._rate or None),
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            start_time_s=_or_nan(start),
            codec=stream.codec_context.name,
            bytes=self._bytes,
        )

    def frames(self) -> Iterator[TimedFrame[av.VideoFrame]]:
        """Every frame with its true PTS; frames whose PTS runs backwards are left out.

        A stream without PTS (raw H.264) is taken to have a constant frame rate.
        """
        frame_s = 1 / (self._rate or DEFAULT_RATE)
        first: Fraction | None = None
        last: Fraction | None = None
        backwards = 0
        for index, frame in enumerate(self._decoded()):
            if frame.pts is not None:
                time_s = frame.pts * (frame.time_base or self._time_base)
            else:
                time_s = Fraction(0) if last is None else last + frame_s
            if last is not None and time_s < last:
                backwards += 1
                continue
            if last is not None and time_s - last > LONGEST_GAP_S:
                self.problems.append(f"timestamps jump by {float(time_s - last):.0f} s; stopped there")
                return
            first, last = time_s if first is None else first, time_s
            yield TimedFrame(index, time_s, frame)
        if first is None or last is None:
            raise VideoError("; ".join(self.problems) or "no frame could be decoded")
        if backwards:
            self.problems.append(f"{backwards} frames left out whose timestamps run backwards")
        declared = self._declared_duration_s()
        if declared is not None and last + frame_s - first < declared - TRUNCATED_BY_S:
            read = float(last + frame_s - first)
            self.problems.insert(0, f"truncated: {read:.1f} s of {float(declared):.1f} s could be read")

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Decode packet by packet, so that a damaged one costs its own frames only."""
        damaged = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.problems.append(f"reading stopped: {error.strerror}")
                break
            if packet is None:
                break
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                damaged += 1
        if damaged:
            self.problems.append(f"{damaged} damaged packets could not be decoded")

    def _first_video_stream(self) -> "av.VideoStream":
        """The first moving picture: the cover of a song is a video stream too."""
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        if not streams:
            raise VideoError("no video stream")
        if streams[0].codec_context is None:
            raise VideoError("no decoder for its codec")
        return streams[0]

    def _declared_duration_s(self) -> Fraction | None:
        if self._stream.duration is not None:
            return self._stream.duration * self._time_base
        if self._container.duration is not None and len(self._container.streams) == 1:
            return Fraction(self._container.duration, av.time_base)
        return None


def upright(frame: av.VideoFrame) -> np.ndarray:
    """The frame as displayed, turned and mirrored as its metadata says, (height, width, 3) uint8 BGR."""
    image = frame.to_ndarray(format="bgr24")
    items: Any = frame.side_data  # PyAV's stubs take the container for a mapping of names
    for item in items:
        if item.type.name == "DISPLAYMATRIX":
            return _displayed(image, np.frombuffer(bytes(item), np.int32).reshape(3, 3))
    return image


def _displayed(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply the quarter turns and reflections of ``matrix``: (x, y) is shown at (x, y, 1) @ matrix."""
    from_x, from_y = matrix[0, :2], matrix[1, :2]
    if abs(int(from_x[0])) < abs(int(from_x[1])):
        image, from_x, from_y = image.transpose(1, 0, 2), from_y, from_x
    rows = slice(None, None, -1 if from_y[1] < 0 else 1)
    columns = slice(None, None, -1 if from_x[0] < 0 else 1)
    return np.ascontiguousarray(image[rows, columns])


def _size(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise VideoError(f"cannot be found: {error.strerror}") from error
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

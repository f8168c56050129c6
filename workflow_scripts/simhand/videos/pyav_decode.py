"""Decodes videos in process, with PyAV."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from simhand.videos.seconds import Sampling, TimedFrame, take
from simhand.videos.video_file import VideoError, VideoFile


class PyavVideo(VideoFile):
    """A video decoded by the libraries of PyAV.

    The PTS comes with the frame, and a change of size in mid-stream, at which the ffmpeg program starts
    its filters (and so its clock) afresh, changes nothing.

    Raises:
        VideoError: as :class:`VideoFile`, or the codec is unknown.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        super().__init__(path, threads)
        if self.stream.codec_context is None:
            self.close()
            raise VideoError("no decoder for its codec")
        self.stream.codec_context.thread_count = threads
        self.stream.codec_context.thread_type = "AUTO"

    def sampled(self, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """See :meth:`VideoFile.sampled`; only the frames taken are converted."""
        for frame in take(self.frames(), sampling):
            yield TimedFrame(frame.index, frame.time_s, upright(frame.image))

    def frames(self) -> Iterator[TimedFrame[av.VideoFrame]]:
        """Every frame with its true PTS; frames whose PTS runs backwards are left out.

        A stream without PTS (raw H.264) is taken to have a constant frame rate.
        """
        return self.in_order(self._timed())

    def _timed(self) -> Iterator[TimedFrame[av.VideoFrame]]:
        last: Fraction | None = None
        for index, frame in enumerate(self._decoded()):
            if frame.pts is not None:
                time_s = frame.pts * (frame.time_base or self.time_base)
            else:
                time_s = Fraction(0) if last is None else last + self.frame_s
            last = time_s
            yield TimedFrame(index, time_s, frame)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Decode packet by packet, so that a damaged one costs its own frames only."""
        damaged = 0
        packets = self.container.demux(self.stream)
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

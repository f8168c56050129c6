"""A folder of frames that were taken from a video before, read as if it were the video."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from simhand.settings.frames_source import FramesSource
from simhand.videos.frame_names import frame_number
from simhand.videos.sampling import Sampling, TimedFrame, take
from simhand.videos.video_file import LONGEST_GAP_S, Probe, VideoError
from simhand.videos.video_list import read_video_list

SHOWN = 3


class FrameFolder:
    """The frames ``frame_<n>.jpg`` (or .jpeg, .png) of one video, n counted in the original video.

    The video is taken to have had a constant frame rate and to start at 0 s: frame n was shown at n divided
    by that rate. That is not the true PTS, which the folder does not tell. Offers what
    :class:`~simhand.videos.video_file.VideoFile` does.

    Attributes:
        problems: what went wrong without ending the pass, in words; complete when the pass ends.

    Raises:
        VideoError: no such folder, or no frame in it.
        DataError: the list of the source is broken or gives no frame rate for this video.
    """

    def __init__(self, path: Path | str, source: FramesSource) -> None:
        self.path = Path(path)
        self.problems: list[str] = []
        self.rate = self._frame_rate(source)
        self.files = self._numbered_files()
        self._note_gaps()

    def probe(self) -> Probe:
        """What the files tell: the duration lasts to the time of the last frame, the size is the first's."""
        first = next((image for image, _ in map(_read, self.files.values()) if image is not None), None)
        numbers = list(self.files)
        return Probe(
            duration_s=float((numbers[-1] - numbers[0]) / self.rate),
            fps=float(self.rate),
            width=first.shape[1] if first is not None else None,
            height=first.shape[0] if first is not None else None,
            start_time_s=float(numbers[0] / self.rate),
            codec="png" if self.files[numbers[0]].suffix.lower() == ".png" else "mjpeg",
            bytes=sum(map(_size, self.files.values())),
        )

    def sampled(self, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """The sampled frames, (height, width, 3) uint8 BGR, with the bytes of their file if it is a JPEG.

        An image that cannot be read is left out and told; no other stands in for it.

        Raises:
            VideoError: no image can be read.
        """
        unreadable: dict[str, None] = {}
        any_read = False
        for frame in take(self._timed(), sampling):
            image, encoded = _read(frame.image)
            if image is None:
                unreadable[frame.image.name] = None
                continue
            any_read = True
            jpeg = None if frame.image.suffix.lower() == ".png" else encoded
            yield TimedFrame(frame.index, frame.time_s, image, jpeg)
        if unreadable:
            some = ", ".join(list(unreadable)[:SHOWN]) + (" ..." if len(unreadable) > SHOWN else "")
            self.problems.append(f"{len(unreadable)} images cannot be read: {some}")
        if not any_read:
            raise VideoError("; ".join(self.problems) or "no frame has a number that is sampled")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def _timed(self) -> Iterator[TimedFrame[Path]]:
        last: int | None = None
        for number, file in self.files.items():
            if last is not None and (number - last) / self.rate > LONGEST_GAP_S:
                self.problems.append(f"frame numbers jump from {last} to {number}; stopped there")
                return
            last = number
            yield TimedFrame(number, number / self.rate, file)

    def _frame_rate(self, source: FramesSource) -> Fraction:
        """Of the original video, from the list under the folder's name, else as the config says."""
        if source.video_list is not None:
            videos = read_video_list(source.video_list)
            if self.path.name in videos.rows:
                return videos.frame_rate(self.path.name)
            self.problems.append(f"not in {videos.path.name}: taken as {source.fps:g} frames per second")
        return Fraction(str(source.fps))

    def _numbered_files(self) -> dict[int, Path]:
        """The frames in order of their number, one file each."""
        try:
            files = sorted(self.path.iterdir())
        except OSError as error:
            raise VideoError(f"cannot be found: {error.strerror}") from error
        numbered: dict[int, Path] = {}
        for file in files:
            number = frame_number(file.name)
            if number is None:
                continue
            if number in numbered:
                self.problems.append(f"{file.name} left out: {numbered[number].name} is the same frame")
            else:
                numbered[number] = file
        if not numbered:
            raise VideoError("no frame in it: expected names such as frame_000030.jpg")
        return dict(sorted(numbered.items()))

    def _note_gaps(self) -> None:
        """Missing frames show in numbers: under ``every_second`` the frame before stands for them."""
        steps = [after - before for before, after in pairwise(self.files)]
        gaps = sum(step >= 2 * median(steps) for step in steps)
        if gaps:
            self.problems.append(f"{gaps} gaps in the frame numbers")


def _read(file: Path) -> tuple[np.ndarray | None, bytes]:
    """The picture, None if the file cannot be read or is cut off, and the file's bytes."""
    try:
        encoded = file.read_bytes()
    except OSError:
        return None, b""
    if not encoded:
        return None, encoded
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), encoded


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

"""Which frames of a video are kept, from nothing but their presentation times (PTS)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, Literal, TypeVar

Image = TypeVar("Image")
Sampling = Literal["every_second", "every_30th_frame"]

RELEASED_STEP = 30


@dataclass(frozen=True)
class TimedFrame(Generic[Image]):
    """A decoded frame.

    Attributes:
        index: its place in presentation order, from 0.
        time_s: its PTS in seconds of the stream, exact.
        image: the picture, in whatever form.
        jpeg: the file that the picture was read from, where it is a JPEG already.
    """

    index: int
    time_s: Fraction
    image: Image
    jpeg: bytes | None = None


def take(frames: Iterable[TimedFrame[Image]], sampling: Sampling) -> Iterator[TimedFrame[Image]]:
    """The frames that ``frames.sampling`` asks for."""
    if sampling == "every_30th_frame":
        return every_nth_frame(frames, RELEASED_STEP)
    return last_frame_per_second(frames)


def last_frame_per_second(frames: Iterable[TimedFrame[Image]]) -> Iterator[TimedFrame[Image]]:
    """For t = 0, 1, 2 ... seconds from the first frame: the last frame with PTS <= t, up to the last PTS.

    One frame per second of video whatever the frame rate, so a frame shown for several seconds is
    given several times. One frame is held back, none is looked up again: memory stays bounded.

    Args:
        frames: in order of rising PTS.
    """
    current: TimedFrame[Image] | None = None
    due_s = Fraction(0)
    for frame in frames:
        if current is None:
            due_s = frame.time_s
        else:
            while due_s < frame.time_s:
                yield current
                due_s += 1
        current = frame
    if current is not None and due_s <= current.time_s:
        yield current


def every_nth_frame(frames: Iterable[TimedFrame[Image]], step: int) -> Iterator[TimedFrame[Image]]:
    """Frames 0, ``step``, 2 ``step`` ... whatever their time (the released ``ego4d_process.py``)."""
    return (frame for frame in frames if frame.index % step == 0)

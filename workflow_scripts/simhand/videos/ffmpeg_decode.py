"""Decodes videos with the ffmpeg program, driven by ffmpeg-python.

ffmpeg tells the PTS of every frame on its stderr (filter ``showinfo``) and gives the pictures that it
takes on its stdout. Which frames are taken is found twice: by ffmpeg's filters, and from the PTS by
the rule that serves every decoder. Where the two disagree the video is refused.
"""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

import ffmpeg
import numpy as np

from simhand.settings.frames import FramesSettings
from simhand.videos.ffmpeg_program import ffmpeg_program
from simhand.videos.sampling import RELEASED_STEP, Sampling, TimedFrame, take
from simhand.videos.video_file import USUAL, VideoError, VideoFile
from simhand.videos.worker_process import end_with_parent

TIME_BASE = re.compile(rb"\[showinfo@(decoded|taken) .*config in time_base: (\d+)/(\d+)")
FRAME = re.compile(rb"\[showinfo@(decoded|taken) .*\bn: *(\d+) pts: *(-?\d+) .*\bfmt:(\S+).* s:(\d+)x(\d+) ")
ERROR = re.compile(rb"\[(?:error|fatal)\] (.*)")
IS_FORWARD = "isnan(prev_selected_pts)+gte(pts,prev_selected_pts)"
# how frames lie in memory that come from a device; no decoder of its own makes ffmpeg lay them so
FROM_DEVICE = ("nv12", "p010", "p016")
AREA = "area+full_chroma_int+accurate_rnd"

Waiting = TypeVar("Waiting")


class FfmpegVideo(VideoFile):
    """A video decoded by the ffmpeg program.

    Raises:
        VideoError: as :class:`VideoFile`.
    """

    def __init__(self, path: Path | str, settings: FramesSettings = USUAL, threads: int = 1) -> None:
        self._output: _Output | None = None
        super().__init__(path, settings, threads)

    def sampled(self, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """See :meth:`VideoFile.sampled`.

        Raises:
            VideoError: also where ffmpeg took other frames than its own timestamps call for.
            ConfigError: there is no ffmpeg program.
        """
        output = self._output = _Output(self._command(sampling), self.settings.hardware)
        for count, frame in enumerate(take(self.in_order(output.decoded(self.problems)), sampling)):
            due_s = Fraction(count) if sampling == "every_second" else frame.time_s - output.first_s
            yield TimedFrame(frame.index, frame.time_s, output.taken(due_s))
        output.check_end()

    def close(self) -> None:
        """Close the file and end ffmpeg."""
        if self._output is not None:
            self._output.stop()
        super().close()

    def _command(self, sampling: Sampling) -> list[str]:
        # without file: a name such as "a:b.mp4" would be taken for a protocol; copyts keeps the PTS true
        device = {} if self.settings.hardware is None else {"hwaccel": self.settings.hardware}
        source = ffmpeg.input(f"file:{self.path}", copyts=None, threads=self.threads, **device)
        frames = source[str(self.stream.index)]
        if self.stream.start_time is None:
            # without timestamps ffmpeg 9 guesses microseconds between frames; the rate is what is known
            frames = frames.filter("setpts", f"round(N*{self.frame_s}/TB)")
        frames = frames.filter("showinfo@decoded", checksum=0)
        if sampling == "every_second":
            frames = frames.filter("select", IS_FORWARD).filter("setpts", "PTS-STARTPTS")
            # rounded up to whole seconds, the last frame of second t is the last one with PTS <= t
            frames = frames.filter("fps", fps=1, round="up")
        else:
            frames = frames.filter("select", f"not(mod(n,{RELEASED_STEP}))").filter("setpts", "PTS-STARTPTS")
        if (height := self.settings.max_height_px) is not None:
            scaled = f"min(ih,{height})"
            size = {"w": f"max(1,round(iw*{scaled}/ih))", "h": scaled}
            # scaled straight to BGR, or the colours would be halved a second time
            frames = frames.filter("scale", **size, flags=AREA).filter("format", "bgr24")
        frames = frames.filter("showinfo@taken", checksum=0)
        # numbered one by one, so that no frame is dropped or doubled for the sake of an even rate
        frames = frames.filter("settb", "1").filter("setpts", "N")
        output = frames.output("pipe:", format="rawvideo", pix_fmt="bgr24", r=1)
        switches = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info")
        return output.global_args(*switches).compile(cmd=ffmpeg_program())


class _Line(NamedTuple):
    """What ``showinfo`` tells of a frame at its ``place`` in the chain of filters."""

    place: str
    number: int
    time_s: Fraction
    layout: str
    width: int
    height: int


class _Output:
    """A running ffmpeg: the frames that it decodes, in lines, and the pictures that it takes.

    A line is read before the picture that follows from it, and a picture as soon as its line has come:
    neither pipe can fill up while the other is waited for. What is held is bounded by what ffmpeg holds.
    """

    def __init__(self, command: list[str], device: str | None = None) -> None:
        self._device = device
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # elsewhere than on Linux its broken pipe ends it
            preexec_fn=end_with_parent,
        )
        self._error = ""
        self._lines: SimpleQueue[_Line | None] = SimpleQueue()
        self._decoded: deque[_Line] = deque()
        self._taken: deque[tuple[Fraction, np.ndarray]] = deque()
        self._ended = False
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()
        self.first_s = self._last_s = Fraction(0)

    def decoded(self, problems: list[str]) -> Iterator[TimedFrame[None]]:
        """Every frame that ffmpeg decodes, without its picture; adds to ``problems`` what it complains of."""
        index = 0
        while (line := self._next(self._decoded)) is not None:
            if line.number != index:
                raise VideoError(
                    f"ffmpeg began afresh after frame {index}, as where the size changes; "
                    "frames.decoder: pyav reads such a video"
                )
            if self._device is not None and not line.layout.startswith(FROM_DEVICE):
                raise VideoError(f"ffmpeg did not decode it with frames.hardware: {self._device}")
            yield TimedFrame(index, line.time_s, None)
            index += 1
        code = self._process.wait()
        if code or self._error:
            ended = f"ffmpeg ended with code {code}" if code else "ffmpeg complained"
            problems.append(f"{ended}: {self._error or 'without a reason'}")

    def taken(self, due_s: Fraction) -> np.ndarray:
        """The next picture, which must be the one due at ``due_s`` after the first frame."""
        found = self._next(self._taken)
        if found is None or found[0] != due_s:
            what = "no frame" if found is None else f"one for {float(found[0]):g} s"
            said = f": {self._error}" if self._error else ""
            raise VideoError(
                f"ffmpeg took {what} where its timestamps call for one at {float(due_s):g} s{said}"
            )
        return found[1]

    def check_end(self) -> None:
        """Refuse pictures beyond those called for, unless the frames were not read to their end."""
        if self._ended and self._taken:
            raise VideoError(f"ffmpeg took {len(self._taken)} frames more than its timestamps call for")

    def stop(self) -> None:
        """End ffmpeg, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _next(self, waiting: deque[Waiting]) -> Waiting | None:
        """The first of ``waiting``, one of this object's two queues; None when ffmpeg has no more."""
        while not waiting and not self._ended:
            line = self._lines.get()
            if line is None:
                self._ended = True
            elif line.place == "decoded":
                self.first_s = self.first_s if line.number else line.time_s
                self._last_s = line.time_s
                self._decoded.append(line)
            else:
                self._take(line)
        return waiting.popleft() if waiting else None

    def _take(self, line: _Line) -> None:
        """Read the picture of ``line``; drop those by which fps fills the time that the last frame lasts."""
        size = line.width * line.height * 3
        pixels = self._process.stdout.read(size) if self._process.stdout else b""
        if len(pixels) == size and line.time_s <= self._last_s - self.first_s:
            image = np.frombuffer(pixels, np.uint8).reshape(line.height, line.width, 3)
            self._taken.append((line.time_s, image))

    def _read_lines(self) -> None:
        """In a thread: pass on what ffmpeg tells, to its end."""
        time_base: dict[bytes, Fraction] = {}
        try:
            for text in self._process.stderr or ():
                if found := TIME_BASE.search(text):
                    time_base[found[1]] = Fraction(int(found[2]), int(found[3]))
                elif found := FRAME.search(text):
                    place, layout = found[1].decode(), found[4].decode()
                    number, pts, width, height = (int(found[group]) for group in (2, 3, 5, 6))
                    time_s = pts * time_base[found[1]]
                    self._lines.put(_Line(place, number, time_s, layout, width, height))
                elif found := ERROR.search(text):
                    self._error = self._error or found[1].decode(errors="replace").strip()
        finally:
            self._lines.put(None)

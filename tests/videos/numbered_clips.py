"""Tiny clips in which every frame shows its own number, and a look at their frames without PyAV."""

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np

WIDTH, HEIGHT, BLOCK, BITS = 64, 48, 16, 12


def numbered_picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Number in binary, one bit per block of 16 pixels, first bit in the upper left corner."""
    bits = (number >> np.arange(BITS)) & 1
    blocks = np.zeros((height // BLOCK, width // BLOCK), np.uint8)
    blocks.reshape(-1)[:BITS] = bits * 220
    gray = np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))
    return np.repeat(gray[:, :, None], 3, axis=2)


def number_in(picture: np.ndarray) -> int:
    """The number that an upright picture of the usual size shows."""
    centres = picture[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].mean(axis=2) > 110
    return int((centres.reshape(-1)[:BITS] << np.arange(BITS)).sum())


def write_clip(
    path: Path,
    times_s: Sequence[Fraction | float],
    time_base: Fraction = Fraction(1, 90000),
    rate: Fraction = Fraction(30),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Frames 0, 1, 2 ... at ``times_s``, which may be uneven and start anywhere."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            frame.pts, frame.time_base = round(Fraction(time_s) / time_base), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ffmpeg(*arguments: str | Path) -> str:
    """Run ffmpeg and return what it says."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def presentation_times_s(path: Path) -> list[Fraction]:
    """PTS of every frame as the ffmpeg program counts them: another build, another caller than PyAV."""
    said = ffmpeg("-copyts", "-i", path, "-map", "0:v:0", "-vf", "showinfo", "-f", "null", "-")
    time_base = Fraction(re.search(r"config in time_base: (\d+/\d+)", said)[1])
    return [int(pts) * time_base for pts in re.findall(r"\bn: *\d+ pts: *(-?\d+)", said)]


def expected_frames(times_s: Sequence[Fraction]) -> list[tuple[int, Fraction]]:
    """Index and PTS of the last frame with PTS <= t, for each whole second t after the first PTS."""
    wanted = []
    second = 0
    while times_s[0] + second <= times_s[-1]:
        index = max(i for i, time_s in enumerate(times_s) if time_s <= times_s[0] + second)
        wanted.append((index, times_s[index]))
        second += 1
    return wanted

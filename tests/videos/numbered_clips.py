"""Tiny clips in which every frame shows its own number, and a look at their frames without PyAV."""

import math
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


def steady(rate: str, seconds: float = 3.4, start: Fraction | int = 0) -> list[Fraction]:
    """Times of a constant rate."""
    return [start + n / Fraction(rate) for n in range(math.ceil(seconds * Fraction(rate)))]


def uneven(start: Fraction | int = 0) -> list[Fraction]:
    """Times of frames shown from 5 ms to 2.5 s."""
    steps_ms = [33, 33, 40, 700, 5, 995, 1000, 33, 2500, 33, 33, 900]
    return [start + Fraction(int(sum(steps_ms[:n])), 1000) for n in range(len(steps_ms) + 1)]


MS, B_FRAMES = Fraction(1, 1000), {"bf": "3", "g": "250", "x264-params": "b-adapt=0"}
CLIPS = {
    "cfr30.mp4": (steady("30"), {}),
    "cfr2997.mp4": (steady("30000/1001"), {"rate": Fraction(30000, 1001)}),
    "cfr23976.mkv": (steady("24000/1001"), {"rate": Fraction(24000, 1001), "time_base": MS}),
    "cfr60.mp4": (steady("60"), {"rate": Fraction(60)}),
    "cfr5.mp4": (steady("5"), {"rate": Fraction(5)}),
    "slow.mp4": (steady("2/5", seconds=10), {"rate": Fraction(1)}),
    "vfr.mp4": (uneven(), {}),
    "vfr.mkv": (uneven(), {"time_base": MS}),
    "b_frames.mp4": (steady("30"), {"options": B_FRAMES}),
    "b_frames_vfr.mkv": (uneven(), {"options": B_FRAMES, "time_base": MS}),
    "offset.mkv": (steady("10", start=Fraction(37, 100)), {"time_base": MS}),
    "offset.ts": (steady("10"), {}),
    "b_frames.ts": (steady("30"), {"options": B_FRAMES}),
    "mpeg4.avi": (steady("10"), {"codec": "mpeg4", "rate": Fraction(10), "time_base": Fraction(1, 10)}),
    "one_frame.mp4": ([0], {}),
    "two_frames.mp4": ([0, Fraction(11, 10)], {}),
}

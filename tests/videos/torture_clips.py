"""Clips with the properties that make real videos hard, written by the ffmpeg program.

Frame n of the source shows the number n; what is drawn tells which frame a decoder gave, whatever the
clip says about its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numbered_clips import HEIGHT, WIDTH, ffmpeg, numbered_picture

SOURCE_FRAMES = 240
NOISE = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=30:d=4,noise=alls=20:allf=t:all_seed=1")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "12", "-bf", "2")
SECOND = ("-g", "30", "-keyint_min", "30", "-sc_threshold", "0")


def x264(*options: str, **parameters: object) -> tuple[str, ...]:
    """Arguments for libx264; keyframes where the options put them."""
    joined = ":".join(f"{name.replace('_', '-')}={value}" for name, value in parameters.items())
    return (*X264, *options, *(("-x264-params", joined) if joined else ()))


def x265(**parameters: object) -> tuple[str, ...]:
    """Arguments for libx265."""
    joined = ":".join(f"{name.replace('_', '-')}={value}" for name, value in parameters.items())
    return ("-c:v", "libx265", "-preset", "fast", "-x265-params", f"log-level=error:keyint=12:{joined}")


@dataclass(frozen=True)
class Clip:
    """How a clip is made, and what must come of it.

    Attributes:
        encode: arguments of ffmpeg for its output.
        rate: frames per second of the source.
        numbers: what the frames show, in order; by default 0, 1, 2 ...
        partly: whether it can be decoded in part; if not it is decoded whole.
    """

    encode: Sequence[str]
    rate: str = "30"
    numbers: Sequence[int] | None = None
    partly: bool = True


def numbered_source(folder: Path) -> Path:
    """The frames of all clips, raw and grey."""
    path = folder / "numbers.raw"
    if not path.exists():
        path.write_bytes(np.stack([numbered_picture(n)[:, :, 0] for n in range(SOURCE_FRAMES)]).tobytes())
    return path


def write(path: Path, clip: Clip) -> Path:
    """Encode ``clip`` to ``path``, 3.5 s long by the source's clock."""
    if not path.exists():
        raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-framerate", clip.rate)
        seconds = ("-t", "3.5", "-i", numbered_source(path.parent))
        usual = () if "-pix_fmt" in clip.encode else ("-pix_fmt", "yuv420p")
        ffmpeg(*raw, *seconds, *usual, *clip.encode, path)
    return path


PYRAMID = {"b_adapt": 0, "bframes": 5, "b_pyramid": "normal", "scenecut": 0}
RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
HELD = "setpts=N+150*gte(N\\,40)"
ENCODED = {
    **{f"rate_{rate.replace('/', '_')}.mp4": Clip(X264, rate) for rate in RATES},
    "key_on_seconds.mp4": Clip(x264(*SECOND)),
    "key_on_seconds_no_b.mp4": Clip(x264(*SECOND, "-bf", "0")),
    "key_every_7.mp4": Clip(x264("-g", "7", "-keyint_min", "7")),
    "key_only_first.mp4": Clip(x264("-g", "9999", scenecut=0)),
    "all_keys.mp4": Clip(x264("-g", "1")),
    "b_pyramid.mp4": Clip(x264("-g", "45", **PYRAMID)),
    "b_without_pyramid.mp4": Clip(x264("-g", "45", **PYRAMID | {"b_pyramid": "none"})),
    "many_references.mp4": Clip(x264("-preset", "veryslow", "-g", "45", **PYRAMID)),
    "open_gop.mp4": Clip(x264("-g", "15", open_gop=1, **PYRAMID)),
    "open_gop.ts": Clip(x264("-g", "15", open_gop=1, **PYRAMID)),
    "intra_refresh.mp4": Clip(x264("-g", "15", intra_refresh=1)),
    "intra_refresh.ts": Clip(x264("-g", "15", intra_refresh=1)),
    "slices.mp4": Clip(x264(slices=3)),
    "slices.ts": Clip(x264(slices=3)),
    "interlaced.mp4": Clip(x264("-flags", "+ilme+ildct", interlaced=1), partly=False),
    "interlaced.ts": Clip(x264("-flags", "+ilme+ildct", interlaced=1), partly=False),
    "ten_bit.mp4": Clip(x264("-pix_fmt", "yuv420p10le")),
    "odd_size.mp4": Clip(x264("-vf", "pad=65:49,format=yuv444p", "-pix_fmt", "yuv444p")),
    "clip.mkv": Clip(X264),
    "clip.mov": Clip(X264),
    "clip.ts": Clip(X264),
    "clip.flv": Clip(X264),
    "clip.mpg": Clip(X264, partly=False),
    "clip.avi": Clip(X264, partly=False),
    "fragmented.mp4": Clip(x264("-movflags", "frag_keyframe+empty_moov")),
    "first_pts_not_0.mkv": Clip(x264("-output_ts_offset", "7.3")),
    "first_pts_not_0.ts": Clip(x264("-output_ts_offset", "7.3")),
    "frames_left_out.mp4": Clip(
        x264("-vf", "select=lt(mod(n\\,7)\\,3)", "-fps_mode", "passthrough"),
        numbers=[n for n in range(SOURCE_FRAMES) if n % 7 < 3],
    ),
    "held_for_5_s.mp4": Clip(x264("-vf", HELD, "-fps_mode", "passthrough")),
    "held_for_5_s.mkv": Clip(x264("-vf", HELD, "-fps_mode", "passthrough")),
    "open_gop_hevc.mp4": Clip(x265(bframes=4, b_adapt=0)),
    "open_gop_hevc.ts": Clip(x265(bframes=4, b_adapt=0)),
    "closed_gop_hevc.mkv": Clip(x265(open_gop=0)),
    "temporal_layers_hevc.mp4": Clip(x265(temporal_layers=3, bframes=7, b_adapt=0)),
    "leading_hevc.mp4": Clip(x265(open_gop=0, radl=2, bframes=4, b_adapt=0)),
    "clip_vp8.webm": Clip(("-c:v", "libvpx", "-g", "12", "-auto-alt-ref", "1"), partly=False),
    "clip_vp9.webm": Clip(("-c:v", "libvpx-vp9", "-g", "12", "-cpu-used", "8"), partly=False),
    "clip_av1.mp4": Clip(("-c:v", "libsvtav1", "-preset", "12", "-g", "12"), partly=False),
    "b_frames_mpeg4.mp4": Clip(("-c:v", "mpeg4", "-g", "12", "-bf", "2"), partly=False),
    "b_frames_mpeg4.avi": Clip(("-c:v", "mpeg4", "-g", "12", "-bf", "2"), partly=False),
    "b_frames_mpeg2.ts": Clip(("-c:v", "mpeg2video", "-g", "12", "-bf", "2"), partly=False),
    "mjpeg.avi": Clip(("-c:v", "mjpeg"), partly=False),
    "mjpeg.mov": Clip(("-c:v", "mjpeg"), partly=False),
}

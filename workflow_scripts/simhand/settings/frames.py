"""Config section ``frames``: videos to frames."""

from typing import Literal

from pydantic import Field

from simhand.settings.section import Section, switch


class FramesSettings(Section):
    """How frames are taken from a video and how much may go wrong."""

    sampling: Literal["every_second", "every_30th_frame"] = switch(
        "which frames are taken: for t = 0, 1, 2 ... s the last one shown by then, or frames 0, 30, 60 ... "
        "whatever the frame rate",
        ours="every_second",
        paper="every_second",
        release="every_30th_frame",
    )
    decoder: Literal["pyav", "ffmpeg"] = Field(
        "pyav",
        description="pyav decodes in process; ffmpeg drives the ffmpeg program (the one on PATH, else "
        "imageio-ffmpeg's) through ffmpeg-python, for builds with other codecs or, later, hardware decoders",
    )
    max_height_px: int | None = Field(None, ge=16, description="scale taller frames down to this height")
    jpeg_quality: int = Field(95, ge=1, le=100, description="quality of the stored frames")
    max_failed_fraction: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a shard fails when more than this share of its videos, at least 3, cannot be read",
    )
    video_timeout_s: float = Field(
        7200, gt=0, description="a video that takes longer is given up, and the next one is begun"
    )

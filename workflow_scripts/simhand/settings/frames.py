"""Config section ``frames``: videos to frames."""

from typing import ClassVar, Literal

from pydantic import Field

from simhand.settings.section import Section, switch


class FramesSettings(Section):
    """How frames are taken from a video and how much may go wrong."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {"decode", "keep", "max_failed_fraction", "video_timeout_s", "worker_memory_mb"}
    )
    """On what is taken from a video that can be read."""

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
        "imageio-ffmpeg's) through ffmpeg-python, for builds with other codecs or hardware decoders",
    )
    decode: Literal["needed", "all"] = Field(
        "needed",
        description="what pyav decodes of H.264 and HEVC (of the rest, and with ffmpeg, always all): needed "
        "reads a file twice and decodes only what the sampled frames depend on, which gives the same frames "
        "faster; a video about which anything is irregular is decoded whole",
    )
    hardware: Literal["cuda", "vaapi", "qsv", "videotoolbox", "d3d11va", "vulkan"] | None = Field(
        None,
        description="decode on this kind of device; an error where the machine or the decoder's build lacks "
        "it, and a video whose codec it cannot decode fails: nothing falls back to the processor",
    )
    max_height_px: int | None = Field(
        None, ge=16, description="scale taller frames down to this height (swscale, averaging over areas)"
    )
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
    worker_memory_mb: int = Field(
        4000, ge=2000, description="a video that takes more memory to decode in software (Linux) is given up"
    )
    keep: bool = Field(
        True,
        description="false: the frames of a shard are deleted when its crops are there; their hashes and "
        "status stay, the report has no figure of frames, and to crop anew they are taken anew",
    )

"""The decoders that ``frames.decoder`` can name."""

from pathlib import Path

from simhand.settings.frames import FramesSettings
from simhand.videos.ffmpeg_decode import FfmpegVideo
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.video_file import VideoFile

DECODERS: dict[str, type[VideoFile]] = {"pyav": PyavVideo, "ffmpeg": FfmpegVideo}


def open_video(path: Path | str, settings: FramesSettings, threads: int) -> VideoFile:
    """Open ``path`` for one pass over its frames, with the decoder of the settings.

    Raises:
        VideoError: it cannot be read.
    """
    return DECODERS[settings.decoder](path, threads)

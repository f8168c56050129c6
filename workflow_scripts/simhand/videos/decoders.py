"""The decoders that ``frames.decoder`` can name."""

from pathlib import Path

from simhand.settings.frames import FramesSettings
from simhand.settings.frames_source import FramesSource
from simhand.videos.ffmpeg_decode import FfmpegVideo
from simhand.videos.frame_folder import FrameFolder
from simhand.videos.hardware import check_device
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.video_file import VideoFile

DECODERS: dict[str, type[VideoFile]] = {"pyav": PyavVideo, "ffmpeg": FfmpegVideo}


def open_video(
    path: Path | str, settings: FramesSettings, threads: int, source: FramesSource | None = None
) -> VideoFile | FrameFolder:
    """Open ``path`` for one pass over its frames, with the decoder of the settings.

    With a ``source`` of frames, ``path`` is a folder of frames and nothing is decoded but images.

    Raises:
        VideoError: it cannot be read.
        ConfigError: there is no device of the kind that ``frames.hardware`` names.
    """
    if source is not None:
        return FrameFolder(path, source)
    return DECODERS[settings.decoder](path, settings, threads)


def check_decoder(settings: FramesSettings) -> None:
    """Make sure before any video is opened that the settings can be followed on this machine.

    Raises:
        ConfigError: there is no device of the kind that ``frames.hardware`` names.
    """
    if settings.hardware is not None:
        check_device(settings.decoder, settings.hardware)

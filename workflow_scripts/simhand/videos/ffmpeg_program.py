"""Where the ffmpeg program is."""

import shutil

import imageio_ffmpeg

from simhand.errors import ConfigError


def ffmpeg_program() -> str:
    """The path of the ffmpeg program: that of the system, else the one that imageio-ffmpeg brings.

    Raises:
        ConfigError: there is neither.
    """
    if system := shutil.which("ffmpeg"):
        return system
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ConfigError(
            "no ffmpeg program on PATH and none in imageio-ffmpeg; install ffmpeg, or set "
            "frames.decoder: pyav, which needs none"
        ) from error

"""Decoding on a device, or a plain refusal: nothing here falls back to the processor."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from simhand.errors import ConfigError
from simhand.videos.ffmpeg_program import ffmpeg_program
from simhand.videos.video_file import VideoError

COMMON_CODEC = "h264"


def open_on_device(path: Path, device: str) -> "av.container.InputContainer":
    """Open a video that can be opened, to be decoded by PyAV on ``device``.

    Raises:
        VideoError: the device, or PyAV on it, does not decode this codec.
        ConfigError: there is no such device, or PyAV does not know the kind.
    """
    try:
        return av.open(str(path), hwaccel=_acceleration(device))
    except RuntimeError as error:
        raise undecodable(device) from error
    except (av.error.FFmpegError, OSError) as error:
        raise _absent(device, error.strerror or "") from error


def undecodable(device: str) -> VideoError:
    """Why a video fails whose codec ``device`` does not decode."""
    return VideoError(f"its codec cannot be decoded with frames.hardware: {device}")


def check_device(decoder: str, device: str) -> None:
    """Make sure that ``decoder`` can decode on ``device``, before any video is opened.

    Raises:
        ConfigError: it cannot; the message names what there is.
    """
    if decoder == "ffmpeg":
        _check_ffmpeg(device)
        return
    try:
        _acceleration(device).create(av.Codec(COMMON_CODEC, "r"))
    except NotImplementedError as error:
        raise _absent(device, f"PyAV does not decode {COMMON_CODEC} on it") from error
    except (av.error.FFmpegError, OSError) as error:
        raise _absent(device, error.strerror or "") from error


def _acceleration(device: str) -> HWAccel:
    known = hwdevices_available()
    if device not in known:
        raise _absent(device, "unknown to PyAV's build", known)
    return HWAccel(device, allow_software_fallback=False)


def _check_ffmpeg(device: str) -> None:
    """Start the device with the ffmpeg program, and decode nothing."""
    program = ffmpeg_program()
    nothing = ("-f", "lavfi", "-i", "nullsrc", "-frames:v", "1", "-f", "null", "-")
    start = [program, "-hide_banner", "-nostdin", "-loglevel", "error", "-init_hw_device", device, *nothing]
    started = subprocess.run(start, capture_output=True, text=True, errors="replace")
    if started.returncode:
        said = subprocess.run([program, "-hide_banner", "-hwaccels"], capture_output=True, text=True)
        why = started.stderr.strip().splitlines() or [f"ffmpeg ended with code {started.returncode}"]
        raise _absent(device, why[0], said.stdout.split("\n")[1:])


def _absent(device: str, why: str, known: Iterable[str] | None = None) -> ConfigError:
    names = ", ".join(filter(None, hwdevices_available() if known is None else known))
    return ConfigError(
        f"frames.hardware: {device} cannot be used here ({why}); this decoder's build knows "
        f"{names or 'none'}; choose one that this machine has, the other frames.decoder, or hardware: null"
    )

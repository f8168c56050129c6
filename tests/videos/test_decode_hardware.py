"""Devices that are not there: a plain error, and never a software decoder in their place."""

import sys

import pytest
from test_ffmpeg_decode import TELLS, pretending

from simhand.errors import ConfigError
from simhand.settings.frames import FramesSettings
from simhand.videos import hardware, pyav_decode
from simhand.videos.decoders import check_decoder, open_video
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.ffmpeg_decode import FfmpegVideo
from simhand.videos.index_table import IndexedVideo
from simhand.videos.video_file import VideoError

ABSENT = "vaapi" if sys.platform == "darwin" else "videotoolbox"


@pytest.mark.parametrize("decoder", ["pyav", "ffmpeg"])
def test_an_absent_device_is_a_config_error_that_names_those_known(decoder):
    with pytest.raises(ConfigError, match=rf"frames.hardware: {ABSENT} cannot be used .* knows \w+.*null"):
        check_decoder(FramesSettings(decoder=decoder, hardware=ABSENT))


def test_a_known_kind_without_a_device_is_a_config_error(plain_clip):
    settings = FramesSettings(hardware="cuda")
    try:
        check_decoder(settings)
    except ConfigError as error:
        assert "cuda" in str(error)
    else:
        pytest.skip("there is a device")
    with pytest.raises(ConfigError, match="cuda cannot be used here"):
        open_video(plain_clip, settings, 1)


def test_the_stage_stops_before_it_writes_anything(plain_clip, tmp_path):
    video = IndexedVideo("a", "own", str(plain_clip), "0000")
    files = FramesFiles(*(tmp_path / "out" / name for name in ("frames.arrow", "hashes.parquet", "status")))
    with pytest.raises(ConfigError, match=ABSENT):
        extract_shard([video], files, FramesSettings(hardware=ABSENT), 1)
    assert not (tmp_path / "out").exists()


def test_a_codec_that_the_device_does_not_decode_fails_its_video(plain_clip, monkeypatch):
    def refuse(path, hwaccel):
        raise RuntimeError("no stream is compatible")

    monkeypatch.setattr(hardware, "_acceleration", lambda device: device)
    monkeypatch.setattr(hardware.av, "open", refuse)
    with pytest.raises(VideoError, match="its codec cannot be decoded with frames.hardware: cuda"):
        hardware.open_on_device(plain_clip, "cuda")


def test_a_second_stream_that_the_device_decodes_does_not_help(plain_clip, monkeypatch):
    """PyAV opens a file if the device decodes any of its streams, and decodes the others in software."""
    monkeypatch.setattr(pyav_decode, "open_on_device", lambda path, device: pyav_decode.av.open(str(path)))
    with pytest.raises(VideoError, match="its codec cannot be decoded with frames.hardware: cuda"):
        pyav_decode.PyavVideo(plain_clip, FramesSettings(hardware="cuda"))


@pytest.mark.parametrize(("layout", "refused"), [("yuv420p", True), ("nv12", False)])
def test_frames_that_ffmpeg_decoded_itself_are_refused(layout, refused, plain_clip, monkeypatch):
    """Without its device ffmpeg decodes in software; how its frames lie in memory gives it away."""
    decoded = TELLS.format("decoded", 0, 0).replace("bgr24", layout)
    pretending(monkeypatch, decoded, TELLS.format("taken", 0, 0), "os.write(1, bytes(12))")
    with FfmpegVideo(plain_clip, FramesSettings(hardware="cuda")) as video:
        if refused:
            with pytest.raises(VideoError, match="did not decode it with frames.hardware: cuda"):
                list(video.sampled("every_second"))
        else:
            assert len(list(video.sampled("every_second"))) == 1


def test_ffmpeg_is_told_the_device(plain_clip):
    with FfmpegVideo(plain_clip, FramesSettings(hardware="cuda")) as video:
        command = video._command("every_second")
    assert command[command.index("-hwaccel") + 1] == "cuda"
    assert command.index("-hwaccel") < command.index("-i")

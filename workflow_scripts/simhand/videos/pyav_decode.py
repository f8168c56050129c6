"""Decodes videos in process, with PyAV."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from simhand.settings.frames import FramesSettings
from simhand.videos.decode_plan import plan_decoding
from simhand.videos.hardware import open_on_device, undecodable
from simhand.videos.needed_decode import decode_planned
from simhand.videos.packet_index import DTS_ONLY, IrregularVideo, PacketIndex, read_packets
from simhand.videos.pictures import Pictures
from simhand.videos.sampling import Sampling, TimedFrame, take
from simhand.videos.video_file import USUAL, VideoError, VideoFile

DEPENDS_ON_THREADS = "damaged, so that what can be seen depends on the threads"
NOTHING_GLOSSED_OVER = {"err_detect": "explode"}


class PyavVideo(VideoFile):
    """A video decoded by the libraries of PyAV.

    The PTS comes with the frame, and a change of size in mid-stream, at which the ffmpeg program starts
    its filters (and so its clock) afresh, changes nothing.

    Attributes:
        irregular: why all is decoded though only what is needed was asked for; empty if it is not.

    Raises:
        VideoError: as :class:`VideoFile`, or the codec is unknown.
        ConfigError: there is no device of the kind that the settings name.
    """

    def __init__(self, path: Path | str, settings: FramesSettings = USUAL, threads: int = 1) -> None:
        super().__init__(path, settings, threads)
        self.irregular = ""
        self._pictures = Pictures(settings.max_height_px)
        if settings.hardware is not None:
            self.close()
            self.container = open_on_device(self.path, settings.hardware)
            self.stream = self._first_video_stream()
        if self.stream.codec_context is None:
            self.close()
            raise VideoError("no decoder for its codec")
        if settings.hardware is not None and not self.stream.codec_context.is_hwaccel:
            self.close()
            raise undecodable(settings.hardware)
        self.stream.codec_context.thread_count = threads
        self.stream.codec_context.thread_type = "AUTO"

    def sampled(self, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """See :meth:`VideoFile.sampled`; only the frames taken are converted.

        Raises:
            VideoError: no frame can be decoded.
            IrregularVideo: with ``decode: all`` and one thread, never.
        """
        index = self._index() if self.settings.decode == "needed" else None
        if index is not None or self.threads > 1:
            # what a decoder makes of damage depends on its threads and on what it decoded before
            self.stream.codec_context.options = NOTHING_GLOSSED_OVER
        if index is not None:
            yield from self._needed(index, sampling)
            return
        for frame in take(self.frames(), sampling):
            yield TimedFrame(frame.index, frame.time_s, self._pictures.upright(frame.image))

    def frames(self) -> Iterator[TimedFrame[av.VideoFrame]]:
        """Every frame with its true PTS; frames whose PTS runs backwards are left out.

        A stream without PTS (raw H.264) is taken to have a constant frame rate.
        """
        return self.in_order(self._timed())

    def _index(self) -> PacketIndex | None:
        try:
            return read_packets(self.path, self.stream.index)
        except IrregularVideo as error:
            self.irregular = str(error)
            return None

    def _needed(self, index: PacketIndex, sampling: Sampling) -> Iterator[TimedFrame[np.ndarray]]:
        """The frames that the rule takes of those announced; what they do not depend on is not decoded."""
        taken = take(self.in_order(index.frames()), sampling)
        wanted = np.fromiter((frame.index for frame in taken), np.int32)
        plan = plan_decoding(index, index.shown[wanted])
        repeats = Counter(wanted.tolist())
        place_of = {int(index.pts[index.shown[place]]): place for place in repeats}
        for frame in decode_planned(self.container, self.stream, index, plan):
            if frame.pts is None or (place := place_of.get(frame.pts)) is None:
                continue
            picture = self._pictures.upright(frame)
            for _ in range(repeats[place]):
                yield TimedFrame(place, frame.pts * index.time_base, picture)

    def _timed(self) -> Iterator[TimedFrame[av.VideoFrame]]:
        last: Fraction | None = None
        for index, frame in enumerate(self._decoded()):
            # such a container gives packets no PTS; what stands there is a DTS, which frames reordered by the
            # decoder take along, while a frame's DTS is that of the packet that let it out
            units = frame.dts if self.container.format.name == DTS_ONLY else frame.pts
            if units is not None:
                time_s = units * (frame.time_base or self.time_base)
            else:
                time_s = Fraction(0) if last is None else last + self.frame_s
            last = time_s
            yield TimedFrame(index, time_s, frame)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Decode packet by packet, so that a damaged one costs its own frames only."""
        damaged = given = sent = 0
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.problems.append(f"reading stopped: {error.strerror}")
                break
            if packet is None:
                break
            sent += packet.size > 0 and not packet.is_discard
            try:
                for frame in packet.decode():
                    given += 1
                    yield frame
            except MemoryError:
                raise
            except av.error.FFmpegError as error:
                if self.threads > 1:
                    raise IrregularVideo(DEPENDS_ON_THREADS) from error
                damaged += 1
        if self.threads > 1 and given != sent:
            raise IrregularVideo(DEPENDS_ON_THREADS)
        if damaged:
            self.problems.append(f"{damaged} damaged packets could not be decoded")

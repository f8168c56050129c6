"""Everything that was named, from the first picture to the last: detected, predicted, drawn and noted."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.errors import DataError
from simhand.files.atomic import write_bytes
from simhand.files.row_writer import RowWriter
from simhand.files.table_writer import table_writer
from simhand.hands.detector import FrameKey, HandDetector
from simhand.hands.images import encode_rgb
from simhand.prediction.inputs import Input
from simhand.prediction.overlay import MOST_HANDS, Overlay
from simhand.prediction.predictor import HandPredictor, Picture, PredictedHand
from simhand.prediction.video import write_overlay_video
from simhand.videos.pictures import Pictures
from simhand.videos.progress import Progress
from simhand.videos.pyav_decode import PyavVideo
from simhand.videos.sampling import TimedFrame
from simhand.videos.video_file import VideoError

HANDS_FILE = "hands.parquet"
HANDS_IN_VIDEO = 2
"""Hands of a video that are shown in 3D: its drawing has one size from the first frame to the last."""

JPEG_QUALITY = 92

log = logging.getLogger("simhand")


@dataclass
class Outcome:
    """What became of the inputs.

    Attributes:
        hands: how many were found in all of them together.
        failed: why an input could not be read, by its path.
        without_hands: inputs in which no hand was found.
    """

    hands: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    without_hands: list[Path] = field(default_factory=list)


class PredictionStage:
    """Predicts pictures and videos one after the other; every picture and frame is looked at by itself."""

    def __init__(self, detector: HandDetector, predictor: HandPredictor) -> None:
        self._detector, self._predictor = detector, predictor

    def run(self, inputs: Sequence[Input], out_dir: Path) -> Outcome:
        """Write ``hands.parquet`` and a drawing for each input into ``out_dir``.

        An input that cannot be read is noted in the outcome, and the others are done.
        """
        outcome = Outcome()
        totals = {"frames": _count_frames(inputs), "hands": None}
        with table_writer(out_dir / HANDS_FILE, "predicted_hands") as table, Progress(totals) as progress:
            for one in inputs:
                before = table.rows
                try:
                    draw = self._draw_video if one.is_video else self._draw_picture
                    draw(one, _Notes(table, progress))
                except (DataError, VideoError) as error:
                    log.warning("%s: %s", one.path, error)
                    outcome.failed[one.path] = str(error)
                    continue
                if table.rows == before:
                    log.warning("%s: no hand found", one.path)
                    outcome.without_hands.append(one.path)
            outcome.hands = table.rows
        return outcome

    def _draw_picture(self, one: Input, notes: "_Notes") -> None:
        picture = _read_picture(one.path)
        hands = self._hands_of(picture, one)
        notes.add(one, None, hands)
        overlay = Overlay(picture.shape[1], picture.shape[0], min(max(1, len(hands)), MOST_HANDS))
        write_bytes(one.overlay, encode_rgb(overlay.draw(picture, hands), JPEG_QUALITY))

    def _draw_video(self, one: Input, notes: "_Notes") -> None:
        with PyavVideo(one.path) as video:
            rate = Fraction(1) / video.frame_s
            frames = self._drawings(video, one, notes)
            left_out = write_overlay_video(one.overlay, frames, rate, video.time_base)
            if left_out:
                video.problems.append(f"{left_out} frames not drawn that have the time of the one before")
            for problem in video.problems:
                log.warning("%s: %s", one.path, problem)

    def _drawings(self, video: PyavVideo, one: Input, notes: "_Notes") -> Iterator[TimedFrame[Picture]]:
        pictures, overlay = Pictures(), None
        for frame in video.frames():
            picture = np.ascontiguousarray(pictures.upright(frame.image)[:, :, ::-1])
            hands = self._hands_of(picture, one)
            notes.add(one, frame, hands)
            overlay = overlay or Overlay(picture.shape[1], picture.shape[0], HANDS_IN_VIDEO)
            yield TimedFrame(frame.index, frame.time_s, overlay.draw(picture, hands))

    def _hands_of(self, picture: Picture, one: Input) -> list[PredictedHand]:
        found = self._detector.detect(picture, FrameKey(str(one.path), 0, 0.0))
        return self._predictor.predict(picture, found)


@dataclass(frozen=True)
class _Notes:
    """Where the hands of each frame are written down, and what tells how far it is."""

    table: RowWriter
    progress: Progress

    def add(self, one: Input, frame: TimedFrame[Any] | None, hands: Sequence[PredictedHand]) -> None:
        """Note the hands of a frame of a video, or of a picture, which is None."""
        for number, hand in enumerate(hands):
            row = {
                "picture": str(one.path),
                "frame": None if frame is None else frame.index,
                "time_s": None if frame is None else float(frame.time_s),
                "hand": number,
                "side": hand.found.side,
                "score": hand.found.score,
                **dict(zip(("x1", "y1", "x2", "y2"), hand.found.box, strict=True)),
                "prediction_2d": hand.points_2d.ravel().tolist(),
                "joints_3d_m": hand.joints_m.ravel().tolist(),
                "root_m": hand.root_m.tolist(),
                "root_source": "predicted" if np.isfinite(hand.root_m).all() else None,
                "scale_source": "predicted",
            }
            self.table.append(row)
        self.progress.advance({"frames": 1, "hands": len(hands)})


def _read_picture(path: Path) -> Picture:
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from error
    rgb = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if len(encoded) else None
    if rgb is None:
        raise DataError("not an image that OpenCV can decode, such as JPEG, PNG, WebP or TIFF; convert it")
    return rgb.astype(np.uint8, copy=False)


def _count_frames(inputs: Sequence[Input]) -> float | None:
    """How many pictures and frames there are by the headers of the videos; None if they do not tell."""
    total = 0.0
    for one in inputs:
        if not one.is_video:
            total += 1
            continue
        try:
            with PyavVideo(one.path) as video:
                said = video.probe()
        except VideoError:
            continue
        total += said.duration_s * said.fps
    return round(total) if np.isfinite(total) else None

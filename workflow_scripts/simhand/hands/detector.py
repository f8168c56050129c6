"""What a hand detector is to this workflow, and the detectors that the config can name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from simhand.errors import ConfigError
from simhand.settings.crops import CropsSettings

Side = Literal["left", "right"]


@dataclass(frozen=True)
class DetectedHand:
    """One hand in a frame.

    Attributes:
        box: tight box x1, y1, x2, y2 in pixels of the frame; may reach beyond it.
        side: the person's own left or right, whatever the camera saw.
        score: the detector's confidence, 0 to 1.
        landmarks: (21, 3) float32: x, y in pixels of the frame, z in pixels too, smaller is nearer;
            None where the detector gives none.
    """

    box: tuple[float, float, float, float]
    side: Side
    score: float
    landmarks: np.ndarray | None


@dataclass(frozen=True)
class FrameKey:
    """Which frame it is, for detectors that look its hands up: video_id, frame_index and timestamp_s."""

    video_id: str
    frame_index: int
    timestamp_s: float


class HandDetector(Protocol):
    """Finds hands; made once per process and asked frame by frame."""

    def detect(self, rgb: np.ndarray, key: FrameKey) -> list[DetectedHand]:
        """The hands in ``rgb`` (height, width, 3) uint8, in an order that depends on the frame alone."""
        ...


def make_detector(settings: CropsSettings, detections: Path | None = None) -> HandDetector:
    """The detector that ``crops.detector`` names; a new one is a value there and a branch here.

    Args:
        settings: the config section.
        detections: table of what was found before, for detectors that only look it up.

    Raises:
        ConfigError: there is none of this name.
        DataError: the table is not one of detections.
    """
    # each detector's package is heavy and only needed by those who choose it
    if settings.detector == "mediapipe":
        from simhand.hands.mediapipe_hands import MediaPipeHands

        return MediaPipeHands(
            settings.max_hands, settings.model_complexity, settings.min_detection_confidence
        )
    if settings.detector in ("boxes", "hand_object_detector") and detections is not None:
        from simhand.hands.given_boxes import GivenBoxes

        return GivenBoxes(detections)
    raise ConfigError(f"crops.detector: no detector '{settings.detector}' in hands/detector.py; add it there")

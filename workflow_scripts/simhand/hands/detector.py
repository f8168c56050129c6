"""What a hand detector is to this workflow."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

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

"""MediaPipe Hands (0.10.21, ``mp.solutions``) as a hand detector; its models lie in the wheel."""

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np

from simhand.hands.detector import DetectedHand, FrameKey, Side

# MediaPipe names sides as in a selfie, in a mirrored image (mediapipe #1374): its left is our right
SIDES: dict[str, Side] = {"Left": "right", "Right": "left"}
PYPLOT = "matplotlib.pyplot"


class MediaPipeHands:
    """Detects hands in single images; ``score`` is MediaPipe's confidence in the side.

    The box is the tight one around the 21 landmarks. Every image is looked at afresh (static mode),
    so the answer depends on it alone.
    """

    def __init__(self, max_hands: int, model_complexity: int, min_detection_confidence: float) -> None:
        with _silent():
            self._hands = _import_mediapipe().solutions.hands.Hands(
                static_image_mode=True,
                max_num_hands=max_hands,
                model_complexity=model_complexity,
                min_detection_confidence=min_detection_confidence,
            )
            # its threads load the models, and warn about them, after the constructor has returned
            self._hands.process(np.zeros((64, 64, 3), np.uint8))

    def detect(self, rgb: np.ndarray, key: FrameKey | None = None) -> list[DetectedHand]:
        """The hands in ``rgb`` (height, width, 3) uint8, from left to right by their boxes."""
        with _silent():
            found = self._hands.process(np.ascontiguousarray(rgb))
        height, width = rgb.shape[:2]
        hands = []
        for points, sides in zip(found.multi_hand_landmarks or [], found.multi_handedness or [], strict=True):
            # z has the scale of x: both are fractions of the image's width
            scaled = [(point.x * width, point.y * height, point.z * width) for point in points.landmark]
            landmarks = np.array(scaled, np.float32)
            (x1, y1), (x2, y2) = landmarks[:, :2].min(axis=0).tolist(), landmarks[:, :2].max(axis=0).tolist()
            side = sides.classification[0]
            hands.append(DetectedHand((x1, y1, x2, y2), SIDES[side.label], side.score, landmarks))
        return sorted(hands, key=lambda hand: hand.box)

    def close(self) -> None:
        """Free MediaPipe's graph."""
        self._hands.close()


def _import_mediapipe() -> ModuleType:
    """Import MediaPipe without ``matplotlib.pyplot``, which it wants for drawing only.

    With it every worker spends twice as long on starting, and on a new machine builds a font cache.
    """
    stand_in = ModuleType(PYPLOT)
    try:
        used = sys.modules.setdefault(PYPLOT, stand_in)
        import mediapipe
    finally:
        if used is stand_in:
            del sys.modules[PYPLOT]
    return mediapipe


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Send file descriptor 2 nowhere: MediaPipe's C++ warnings know no switch in this version."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)

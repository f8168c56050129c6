"""MediaPipe Hands as a keypoint estimator: run again on each crop."""

from typing import Any

import cv2
import numpy as np

from simhand.hands.detector import DetectedHand
from simhand.hands.estimator import Keypoints
from simhand.hands.images import decode_rgb
from simhand.hands.mediapipe_hands import MediaPipeHands

MOST_HANDS = 2


class MediaPipeKeypoints:
    """Finds the hand in a crop; of several, the one nearest to its middle.

    Args:
        context: margin put around the crop, over its side: MediaPipe's palm detector hardly finds a
            hand that fills the image. The crop's border is repeated into it.
        model_complexity: 0 or 1.
        min_detection_confidence: of the palm detector.
    """

    def __init__(self, context: float, model_complexity: int, min_detection_confidence: float) -> None:
        self._context = context
        self._hands = MediaPipeHands(MOST_HANDS, model_complexity, min_detection_confidence)

    def estimate(self, crop: dict[str, Any]) -> Keypoints | None:
        """The joints of the hand in ``crop``, a row of the crops table."""
        rgb = decode_rgb(crop["jpeg"])
        size = rgb.shape[0]
        margin = round(self._context * size)
        padded = cv2.copyMakeBorder(rgb, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        found = self._hands.detect(padded)
        if not found:
            return None
        hand = min(found, key=lambda hand: _distance(hand, padded.shape[0] / 2))
        assert hand.landmarks is not None  # MediaPipe always gives them
        return Keypoints(((hand.landmarks - [margin, margin, 0]) / size).astype(np.float32), hand.score)


def _distance(hand: DetectedHand, middle: float) -> float:
    x1, y1, x2, y2 = hand.box
    return float(np.hypot((x1 + x2) / 2 - middle, (y1 + y2) / 2 - middle))

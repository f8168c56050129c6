"""What a keypoint estimator is to this workflow, and the one that needs no package."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simhand.hands.crop import into_crop


@dataclass(frozen=True)
class Keypoints:
    """The 21 joints of one hand in its crop as stored, wrist first, each finger from base to tip.

    Attributes:
        points: (21, 3) float32: x and y in [0, 1] of the crop, z in the unit of x, smaller is nearer.
        score: the estimator's confidence, 0 to 1.
    """

    points: np.ndarray
    score: float


class KeypointEstimator(Protocol):
    """Gives the joints of a hand; made once per process and asked crop by crop."""

    def estimate(self, crop: dict[str, Any]) -> Keypoints | None:
        """The joints of the hand in ``crop``, a row of the crops table, or None if it finds none."""
        ...


class DetectorLandmarks:
    """Takes the landmarks that the hand detector stored with the crop; costs nothing."""

    def estimate(self, crop: dict[str, Any]) -> Keypoints | None:
        """The stored landmarks mapped into the crop, or None where the detector gave none."""
        if crop["landmarks"] is None:
            return None
        landmarks = np.array(crop["landmarks"], np.float32).reshape(-1, 3)
        return Keypoints(into_crop(landmarks, crop["window"], crop["side"] == "left"), crop["score"])

"""What a keypoint estimator is to this workflow, and the estimators that the config can name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simhand.errors import ConfigError
from simhand.hands.crop import into_crop
from simhand.settings.keypoints import KeypointsSettings


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


def make_estimator(
    settings: KeypointsSettings, crops_file: Path, given: Sequence[Path] = ()
) -> KeypointEstimator:
    """The estimator that ``keypoints.estimator`` names; a new one is a value there and a branch here.

    Args:
        settings: the config section.
        crops_file: packed crops of the shard, for an estimator that looks its hands up.
        given: files with the keypoints of their hands.

    Raises:
        ConfigError: there is none of this name.
        DataError: the given files are broken.
    """
    # heavy, and only needed by those who choose it
    if settings.estimator == "detector":
        return DetectorLandmarks()
    if settings.estimator == "given":
        from simhand.hands.given.keypoints import GivenKeypoints

        return GivenKeypoints(given, crops_file, settings.given_in)
    if settings.estimator == "mediapipe":
        from simhand.hands.mediapipe_keypoints import MediaPipeKeypoints

        return MediaPipeKeypoints(
            settings.context, settings.model_complexity, settings.min_detection_confidence
        )
    raise ConfigError(
        f"keypoints.estimator: no estimator '{settings.estimator}' in hands/estimator.py; add it there"
    )

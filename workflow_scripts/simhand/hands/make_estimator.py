"""The keypoint estimators that the config can name."""

from collections.abc import Sequence
from pathlib import Path

from simhand.errors import ConfigError
from simhand.hands.estimator import DetectorLandmarks, KeypointEstimator
from simhand.settings.keypoints import KeypointsSettings


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
    if settings.estimator == "detector":
        return DetectorLandmarks()
    # the others are imported only when chosen: what they import is heavy
    if settings.estimator == "given":
        from simhand.hands.given.keypoints import GivenKeypoints

        return GivenKeypoints(given, crops_file, settings.given_in)
    if settings.estimator == "mediapipe":
        from simhand.hands.mediapipe_keypoints import MediaPipeKeypoints

        return MediaPipeKeypoints(
            settings.context, settings.model_complexity, settings.min_detection_confidence
        )
    raise ConfigError(
        f"keypoints.estimator: no estimator '{settings.estimator}' in hands/make_estimator.py; add it there"
    )

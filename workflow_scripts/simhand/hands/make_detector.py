"""The hand detectors that the config can name."""

from pathlib import Path

from simhand.errors import ConfigError
from simhand.hands.detector import HandDetector
from simhand.settings.crops import CropsSettings


def make_detector(settings: CropsSettings, detections: Path | None = None) -> HandDetector:
    """The detector that ``crops.detector`` names; a new one is a value there and a branch here.

    Args:
        settings: the config section.
        detections: table of what was found before, for detectors that only look it up.

    Raises:
        ConfigError: there is none of this name.
        DataError: the table is not one of detections.
    """
    # imported only when chosen: a detector's package is heavy, and may not be there for the others
    if settings.detector == "mediapipe":
        from simhand.hands.mediapipe_hands import MediaPipeHands

        return MediaPipeHands(
            settings.max_hands, settings.model_complexity, settings.min_detection_confidence
        )
    if settings.detector in ("boxes", "hand_object_detector") and detections is not None:
        from simhand.hands.stored_detections import StoredDetections

        return StoredDetections(detections)
    raise ConfigError(
        f"crops.detector: no detector '{settings.detector}' in hands/make_detector.py; add it there"
    )

"""Config section ``keypoints``: crops to 2D keypoints."""

from typing import Literal

from pydantic import Field

from simhand.settings.section import Section


class KeypointsSettings(Section):
    """Where the 21 joints of a hand come from."""

    estimator: Literal["detector", "mediapipe"] = Field(
        "detector",
        description="detector: landmarks that the detector gave; mediapipe: MediaPipe again, on the crop",
    )
    context: float = Field(
        0.5,
        ge=0,
        description="mediapipe: margin put around the crop, over its side (its palm detector needs some)",
    )
    min_detection_confidence: float = Field(0.5, ge=0, le=1, description="mediapipe: of its palm detector")
    model_complexity: Literal[0, 1] = Field(1, description="mediapipe: landmark model, 0 lite, 1 full")
    max_failed_fraction: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a shard fails if more than this share of its videos, at least 3, break the estimator",
    )
    crop_timeout_s: float = Field(
        60, gt=0, description="a crop that takes longer counts as without keypoints"
    )

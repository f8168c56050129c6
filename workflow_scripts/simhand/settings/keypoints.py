"""Config section ``keypoints``: crops to 2D keypoints."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from simhand.settings.section import Section


class KeypointsSettings(Section):
    """Where the 21 joints of a hand come from."""

    without_effect: ClassVar[frozenset[str]] = frozenset({"crop_timeout_s", "max_failed_fraction"})
    """On the keypoints of a video in which nothing fails."""

    estimator: Literal["detector", "mediapipe", "given"] = Field(
        "detector",
        description="detector: landmarks that the detector gave; mediapipe: MediaPipe again, on the crop; "
        "given: those of the file `given`",
    )
    given: str | None = Field(
        None,
        description="given: a file .parquet or .json, or a folder with one for each `<video_id>` or "
        "`<source>/<shard>`; its forms: docs/files.md",
    )
    given_in: Literal["frame", "crop"] = Field(
        "frame",
        description="given: in pixels of the stored frame, left hands as they are, or in fractions of the "
        "stored crop, left hands mirrored",
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

    @model_validator(mode="after")
    def _names_keypoints(self) -> "KeypointsSettings":
        if self.estimator == "given" and self.given is None:
            raise ValueError("estimator: given needs the file: add `given: <file or folder>`")
        if self.estimator != "given" and self.given is not None:
            raise ValueError(f"keypoints are given, but the estimator is {self.estimator}: set `given` there")
        return self

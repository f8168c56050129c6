"""Config section ``crops``: frames to hand crops."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from simhand.settings.section import Section, switch


class CropsSettings(Section):
    """Which detector finds the hands, which of them are kept, and how they are cut out."""

    without_effect: ClassVar[frozenset[str]] = frozenset({"frame_timeout_s", "max_failed_fraction"})
    """On the crops of a video in which nothing fails."""

    detector: Literal["mediapipe", "boxes", "hand_object_detector"] = Field(
        "mediapipe",
        description="who finds the hands: MediaPipe, the file of `boxes`, or the 100DOH detector (section "
        "`hand_object_detector`)",
    )
    boxes: str | None = Field(
        None,
        description="boxes: a file .parquet, .csv or .json, or a folder with one for each `<video_id>` or "
        "`<source>/<shard>`; its forms: docs/files.md",
    )
    boxes_tolerance_s: float = Field(
        0.05,
        ge=0,
        description="boxes: one that tells a time instead of a frame belongs to the frame so near to it",
    )
    max_hands: int = Field(4, ge=1, description="most hands per frame (MediaPipe)")
    min_detection_confidence: float = Field(0.5, ge=0, le=1, description="of MediaPipe's palm detector")
    model_complexity: Literal[0, 1] = Field(1, description="MediaPipe's landmark model: 0 lite, 1 full")
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="drop hands whose score is lower; if left out: 0.5 with hand_object_detector, as its "
        "authors do, else 0",
    )
    min_box_px: float = Field(0.0, ge=0, description="drop hands whose box is smaller, by its longer side")
    box_scale: float = Field(1.3, gt=0, description="side of the crop over the longer side of the box")
    size_px: int = Field(224, ge=16, description="side of the stored crop")
    border: Literal["pad", "clamp"] = switch(
        "where a crop leaves the frame: pad keeps it square and undistorted, on black; "
        "clamp cuts it at the frame and squashes it into the square",
        ours="pad",
        release="clamp",
    )
    jpeg_quality: int = Field(95, ge=1, le=100, description="quality of the stored crops")
    frame_timeout_s: float = Field(
        60, gt=0, description="a frame that takes longer is given up, and the next one is begun"
    )
    max_failed_fraction: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a shard fails when more than this share of its videos, and at least three, fails",
    )

    def lowest_score(self) -> float:
        """The score below which hands are dropped."""
        if self.min_score is not None:
            return self.min_score
        return 0.5 if self.detector == "hand_object_detector" else 0.0

    @model_validator(mode="after")
    def _names_boxes(self) -> "CropsSettings":
        if self.detector == "boxes" and self.boxes is None:
            raise ValueError("detector: boxes needs the file: add `boxes: <file or folder>`")
        if self.detector != "boxes" and self.boxes is not None:
            raise ValueError(f"boxes are given, but the detector is {self.detector}: set `detector: boxes`")
        return self

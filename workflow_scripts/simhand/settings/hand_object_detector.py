"""Config section ``hand_object_detector``: frames to hands and the objects that they touch."""

from typing import ClassVar, Literal

from pydantic import Field

from simhand.settings.section import Section

WHERE_TO_GET = (
    "The authors link the file in the README of github.com/ddshan/hand_object_detector, and copies are named "
    "in its issue 38: faster_rcnn_1_8_132028.pth (handobj_100K+ego) for egocentric video such as Ego4D, "
    "where the other one confuses left and right, or faster_rcnn_1_8_89999.pth (handobj_100K)"
)


class HandObjectDetectorSettings(Section):
    """The 100DOH hand-object detector; read where `crops.detector` is hand_object_detector."""

    without_effect: ClassVar[frozenset[str]] = frozenset({"device", "frame_timeout_s", "max_failed_fraction"})
    """On what is found in a video in which nothing fails."""

    weights: str | None = Field(None, description=f"checkpoint of the detector. {WHERE_TO_GET}")
    min_score: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="hands and objects above this score are written; `crops.min_score` chooses among them",
    )
    max_overlap: float = Field(
        0.3, gt=0, le=1, description="of two boxes with more intersection over union the better one stays"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where to detect; auto takes a GPU if there is one"
    )
    frame_timeout_s: float = Field(
        120, gt=0, description="a frame that takes longer is given up, and the next one is begun"
    )
    max_failed_fraction: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a shard fails when more than this share of its videos, and at least three, fails",
    )

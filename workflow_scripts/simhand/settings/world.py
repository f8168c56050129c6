"""Section ``world``: the rendered demo world, its videos and its labelled set."""

from typing import Literal

from pydantic import Field

from simhand.settings.section import Section


class LabelledSetSettings(Section):
    """The rendered labelled set in FreiHAND's file layout."""

    unique_training: int = Field(128, ge=2, description="unique training hands; one annotation each")
    background_versions: int = Field(
        4, ge=1, le=8, description="training images per unique hand, differing in backdrop and colour"
    )
    evaluation: int = Field(48, ge=1, description="evaluation images")
    image_size_px: int = Field(224, ge=64, le=1024, description="side of the square images")
    masks: bool = Field(False, description="also write training/mask/ (hand and forearm = 255)")


class WorldSettings(Section):
    """How many hands are rendered into videos and labels, and how large."""

    seed: int = Field(0, ge=0, description="everything in the world follows from this number")
    recordings: int = Field(17, ge=1, description="recordings; each becomes one video or two")
    stereo_every: int = Field(
        8, ge=0, description="every n-th recording is seen by two cameras (0: none); the first is n - 1"
    )
    people: int = Field(6, ge=1, description="people the recordings choose from")
    duration_s: float = Field(10.0, ge=1.0, description="length of a recording")
    fps: int = Field(3, ge=1, le=60, description="frames per second of the videos")
    width_px: int = Field(480, ge=160, multiple_of=2, description="width of the videos")
    height_px: int = Field(360, ge=120, multiple_of=2, description="height of the videos")
    crf: int = Field(18, ge=0, le=51, description="x264 constant rate factor; lower is sharper and larger")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where the hands are traced")
    labels: LabelledSetSettings = Field(
        default_factory=LabelledSetSettings, description="the labelled set for fine-tuning"
    )

"""Settings of the pose embedding."""

from typing import Literal

from pydantic import Field, model_validator

from simhand.settings.section import Section

Normalisation = Literal["crop", "box", "wrist", "wrist_scale"]
COORDINATES = {"crop": 42, "box": 42, "wrist": 40, "wrist_scale": 40}
"""How many coordinates of a hand can differ; the wrist itself is zero with the last two."""


class PcaSettings(Section):
    """How the 21 keypoints of a hand become the point that mining compares."""

    normalisation: Normalisation = Field(
        "box",
        description="what is done to keypoints first: crop (as they lie in the crop), box (relative to the "
        "middle of their own box, in units of its longer side), wrist (relative to the wrist), wrist_scale "
        "(relative to the wrist, in units of wrist to middle knuckle); the paper does not say",
    )
    min_palm_length: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="a hand whose unit is shorter than this share of the crop is left out of mining (it has "
        "no scale): wrist to middle knuckle with wrist_scale, the longer side of its box with box",
    )
    dimensions: int = Field(14, ge=1, le=42, description="size D of the embedding (the paper: 14)")
    sample_size: int | None = Field(
        None,
        ge=2,
        description="fit to a random sample of this many hands of the set (a smaller set is taken whole); "
        "null fits to all",
    )

    @model_validator(mode="after")
    def _has_as_many_dimensions(self) -> "PcaSettings":
        if self.dimensions > (most := COORDINATES[self.normalisation]):
            raise ValueError(
                f"dimensions: {self.dimensions}, but keypoints with normalisation {self.normalisation} have "
                f"{most}; set dimensions to at most {most}"
            )
        if self.sample_size is not None and self.dimensions >= self.sample_size:
            raise ValueError(
                f"dimensions: {self.dimensions}, but a sample of {self.sample_size} hands spans at most "
                f"{self.sample_size - 1}; raise sample_size or lower dimensions"
            )
        return self

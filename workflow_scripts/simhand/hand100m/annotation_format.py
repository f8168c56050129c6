"""One entry of each list in a Hand100M annotation file, as the released loaders read them.

A file is one object, ``{"images": [...], "annotations": [...]}``; an annotation is one hand. The loaders
cut the hand out of the whole frame: box times ``BOX_SCALE``, cut at the frame, squashed to ``CROP_PX``.
Keys that are not named here are passed over, as the loaders do.
"""

from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, Json, model_validator

from simhand.files.tables import JOINTS

BOX_SCALE = 1.3
CROP_PX = 224

Number = int | str
Pixel = int | FiniteFloat


class FrameImage(BaseModel):
    """An entry of ``images``: a frame, by its path below the folder that the loaders call Hand2M."""

    model_config = ConfigDict(frozen=True)

    id: Number
    file_name: Annotated[str, Field(min_length=1)]

    def as_json(self) -> str:
        """The entry as it stands in a file."""
        return self.model_dump_json()


class HandAnnotation(BaseModel):
    """An entry of ``annotations``: a hand, and the hands of the same file that are its positives.

    Attributes:
        hand_id: a decimal number as a string, unique in the file.
        image_id: ``id`` of the frame.
        boxes: x1, y1, x2, y2 in pixels of the frame; in the file a string of JSON.
        keypoint_25d: 21 x (x, y, z); x and y in fractions of the crop, which is not mirrored.
        left_right: the person's own.
        positive_sample: hand_ids, the most similar first. The loaders look at the first alone.
        distance: of each positive.
        rank: of each positive, where they are not 1, 2, 3 ...; the release has no such key and no need of it.
    """

    model_config = ConfigDict(frozen=True)

    hand_id: Annotated[str, Field(pattern=r"^-?\d+$")]
    image_id: Number
    boxes: Json[tuple[Pixel, Pixel, Pixel, Pixel]]
    keypoint_25d: Annotated[list[FiniteFloat], Field(min_length=3 * JOINTS, max_length=3 * JOINTS)]
    left_right: Literal["Left", "Right"]
    positive_sample: list[Number]
    distance: list[float]
    rank: list[int] | None = None

    @model_validator(mode="after")
    def _has_a_rank_for_each_positive(self) -> Self:
        if self.rank is not None and len(self.rank) != len(self.positive_sample):
            raise ValueError(f"{len(self.rank)} ranks for {len(self.positive_sample)} positive samples")
        return self

    def crop_keypoints(self) -> npt.NDArray[np.float64]:
        """Keypoints (21, 3) in the crop as this project stores it: mirrored for a left hand."""
        keypoints = np.array(self.keypoint_25d).reshape(JOINTS, 3)
        if self.left_right == "Left":
            keypoints[:, 0] = 1 - keypoints[:, 0]
        return keypoints

    def ranks(self) -> list[int]:
        """The rank of each positive."""
        return self.rank if self.rank is not None else list(range(1, len(self.positive_sample) + 1))

    def distances(self) -> list[float]:
        """The distance of each positive, NaN for those that the file gives none for."""
        lacking = len(self.positive_sample) - len(self.distance)
        return [*self.distance[: len(self.positive_sample)], *[float("nan")] * lacking]

    def as_json(self) -> str:
        """The entry as it stands in a file."""
        omitted: Any = {"rank"} if self.rank is None else None
        return self.model_dump_json(round_trip=True, exclude=omitted)

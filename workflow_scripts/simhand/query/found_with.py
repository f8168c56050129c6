"""How the hands of a set were found, and how the hands of a photo are to be found to compare with them."""

from pydantic import Field

from simhand.settings.crops import CropsSettings
from simhand.settings.hand_object_detector import HandObjectDetectorSettings
from simhand.settings.keypoints import KeypointsSettings
from simhand.settings.section import Section


class FoundWith(Section):
    """The config sections that decide over a hand's keypoints, as fit_pca notes them in pca/<set>.json."""

    crops: CropsSettings
    keypoints: KeypointsSettings
    hand_object_detector: HandObjectDetectorSettings = Field(default_factory=HandObjectDetectorSettings)


def for_photos(of_set: FoundWith | None) -> tuple[FoundWith, list[str]]:
    """What finds the hands of a photo, and in what it cannot be the same as for the hands of the set.

    Boxes and keypoints that were given for the frames of a set are not there for a photo: MediaPipe stands
    in for them, and the landmarks it gives with a box for the keypoints.

    Args:
        of_set: how the hands of the set were found; None for a set that was imported with its hands.
    """
    if of_set is None:
        crops, keypoints = CropsSettings(border="clamp"), KeypointsSettings()
        remark = "the hands of this set were imported; those of photos are found by MediaPipe (its defaults)"
        return FoundWith(crops=crops, keypoints=keypoints), [remark]
    crops, keypoints, remarks = of_set.crops, of_set.keypoints, []
    if crops.detector == "boxes":
        crops = crops.model_copy(update={"detector": "mediapipe", "boxes": None})
        remarks.append("the boxes of this set were given; the hands of photos are found by MediaPipe")
    if keypoints.estimator == "given":
        estimator = "detector" if crops.detector == "mediapipe" else "mediapipe"
        keypoints = keypoints.model_copy(update={"estimator": estimator, "given": None})
        remarks.append("the keypoints of this set were given; those of photos come from MediaPipe")
    return of_set.model_copy(update={"crops": crops, "keypoints": keypoints}), remarks

"""Photos to hands with keypoints, by the very code that made the crops and keypoints of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from simhand.errors import ConfigError, DataError
from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import write_table
from simhand.hands.crop_shard import FrameCropper
from simhand.hands.estimator import Keypoints
from simhand.hands.keypoint_shard import CropEstimator, KeypointsFiles
from simhand.hands.video_rows import VideoRows
from simhand.query.found_with import FoundWith


@dataclass(frozen=True)
class Photo:
    """A photo: its name, and the file as it is."""

    name: str
    encoded: bytes


@dataclass(frozen=True)
class PhotoHand:
    """A hand in a photo.

    Attributes:
        photo: its place among the photos.
        crop: its row of table ``crops``.
        keypoints: in its crop; None if none were found there.
    """

    photo: int
    crop: dict[str, Any]
    keypoints: Keypoints | None


def read_photos(paths: Sequence[Path]) -> list[Photo]:
    """The photos at ``paths``.

    Raises:
        DataError: one does not exist or is no image.
        ConfigError: two have the same name, so that the results of one would overwrite the other's.
    """
    photos: dict[str, Photo] = {}
    for path in paths:
        try:
            encoded = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}); name an image file") from error
        if not encoded or cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) is None:
            raise DataError(
                f"{path} is not an image that OpenCV can decode, such as JPEG, PNG, WebP or TIFF; convert it"
            )
        if path.stem in photos:
            raise ConfigError(f"two photos are called {path.stem}, as their results would be; rename one")
        photos[path.stem] = Photo(path.stem, encoded)
    return list(photos.values())


def find_hands(photos: Sequence[Photo], found_with: FoundWith) -> list[PhotoHand]:
    """The hands of all photos in their order, in each in the order of the detector.

    Raises:
        ConfigError: the detector lacks its weights.
        DataError: its weights do not fit.
    """
    with TemporaryDirectory(prefix="simhand-query-") as name:
        folder = Path(name)
        frames_file, crops_file = folder / "frames.arrow", folder / "crops.arrow"
        with packed_writer(frames_file, "frames") as frames:
            for number, photo in enumerate(photos):
                place = {"video_id": str(number), "frame_index": 0, "timestamp_s": 0.0}
                frames.append({**place, "jpeg": photo.encoded})
        everything = VideoRows("photos", list(range(len(photos))))
        detections = None
        if found_with.crops.detector == "hand_object_detector":
            detections = folder / "detections.parquet"
            write_table(detections, "detections", _detect(frames_file, everything, found_with))
        rows = FrameCropper(frames_file, found_with.crops, detections)(everything)
        with packed_writer(crops_file, "crops") as crops:
            for row in rows:
                crops.append(row)
        with PackedReader(crops_file, "crops") as stored:
            rows = [stored.row(number) for number in range(len(stored))]
        files = KeypointsFiles(crops_file, folder, folder, folder)
        estimate = CropEstimator(files, found_with.keypoints)
        keypoints = estimate(VideoRows("photos", list(range(len(rows)))))
    return [PhotoHand(int(row["video_id"]), row, found) for row, found in zip(rows, keypoints, strict=True)]


def _detect(frames_file: Path, everything: VideoRows, found_with: FoundWith) -> list[dict[str, Any]]:
    # torch and a large network, only needed where it was chosen
    from simhand.device import choose_device
    from simhand.hands.detection_shard import FrameDetector

    settings = found_with.hand_object_detector
    if settings.weights is None or not Path(settings.weights).expanduser().is_file():
        raise ConfigError(
            f"the hands of this set were found with the weights {settings.weights}, which are not there; a "
            "photo needs them too"
        )
    device = choose_device(settings.device, "hand_object_detector.device")
    return FrameDetector(frames_file, Path(settings.weights).expanduser(), settings, device)(everything)

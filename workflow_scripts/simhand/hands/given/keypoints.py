"""Keypoints that the user gives, looked up for the hands of a shard."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.hands.crop import into_crop
from simhand.hands.estimator import Keypoints
from simhand.hands.given.keypoint_files import Row, hand_key, keypoint_rows, points_of
from simhand.hands.hand_id import hand_id

PLACE = ["hand_id", "video_id", "frame_index"]
BOX = ["x1", "y1", "x2", "y2"]
BOX_TOLERANCE_PX = 1.0
"""A row belongs to the hand whose box it repeats, but for rounding."""
MOST_IN_CROP, FEWEST_IN_FRAME = 5.0, 2.0
"""Coordinates in fractions of a crop are hardly larger, those in pixels never all smaller."""

log = logging.getLogger("simhand")


class GivenKeypoints:
    """Gives the keypoints that files have of the hands of a shard.

    Args:
        files: Parquet or JSON.
        crops_file: packed crops of the shard.
        given_in: pixels of the stored frame with left hands as they are, or fractions of the stored crop,
            where left hands are mirrored.

    Raises:
        DataError: a file is broken, tells of a hand twice, or is plainly not in the unit ``given_in``.
    """

    def __init__(self, files: Sequence[Path], crops_file: Path, given_in: Literal["frame", "crop"]) -> None:
        self._in_frame = given_in == "frame"
        self._points: dict[int, np.ndarray | None] = {}
        self._score: dict[int, float] = {}
        hands = _HandsOfShard(crops_file)
        for file in files:
            for row, where in keypoint_rows(file):
                number = hands.number_of(row, where)
                if number is not None:
                    self._take(number, row, where)
        unusable = sum(points is None for points in self._points.values())
        told = (len(self._points), len(hands), unusable)
        level = logging.INFO if len(self._points) > unusable or not len(hands) else logging.WARNING
        log.log(level, "%d of %d hands have given keypoints, %d of them without all numbers", *told)
        self._check_unit()

    def estimate(self, crop: dict[str, Any]) -> Keypoints | None:
        """The keypoints given for the hand in ``crop``, a row of the crops table, in the crop as stored."""
        points = self._points.get(crop["hand_id"])
        if points is None:
            return None
        if self._in_frame:
            points = into_crop(points, crop["window"], crop["side"] == "left")
        return Keypoints(points.astype(np.float32), self._score[crop["hand_id"]])

    def _take(self, number: int, row: Row, where: str) -> None:
        if number in self._points:
            raise DataError(f"{where}: the hand has keypoints already in a row before; remove one of the two")
        points = points_of(row, where)
        self._points[number] = None if points is None else points.astype(np.float32)
        score = row.get("score")
        self._score[number] = 1.0 if score is None else float(score)

    def _check_unit(self) -> None:
        given = [points[:, :2] for points in self._points.values() if points is not None]
        if not given:
            return
        sizes = np.abs(np.stack(given))
        if self._in_frame and sizes.max() < FEWEST_IN_FRAME:
            raise DataError(
                f"keypoints.given_in is frame, pixels, but no coordinate is above {sizes.max():.3g}; if they "
                "are fractions of the stored crops set keypoints.given_in: crop"
            )
        if not self._in_frame and np.median(sizes) > MOST_IN_CROP:
            raise DataError(
                "keypoints.given_in is crop, fractions, but the median coordinate is "
                f"{np.median(sizes):.3g}; if they are pixels of the frames set keypoints.given_in: frame"
            )


class _HandsOfShard:
    """Finds the hand of a shard that a row of a file is of."""

    def __init__(self, crops_file: Path) -> None:
        with PackedReader(crops_file, "crops") as reader:
            table = reader.table([*PLACE, *BOX])
        self._ids = set(table["hand_id"].to_pylist())
        self._in_frame: dict[tuple[str, int], list[tuple[int, np.ndarray]]] = {}
        boxes = np.column_stack([table[name].to_numpy() for name in BOX])
        places = zip(*(table[name].to_pylist() for name in PLACE), strict=True)
        for box, (number, video_id, frame_index) in zip(boxes, places, strict=True):
            self._in_frame.setdefault((video_id, frame_index), []).append((number, box))

    def __len__(self) -> int:
        return len(self._ids)

    def number_of(self, row: Row, where: str) -> int | None:
        """The hand_id of the hand that ``row`` is of, None if it is of another shard or of no hand."""
        key = hand_key(row) or ()
        try:
            if "hand_id" in key:
                number = int(row["hand_id"])
            elif "number" in key:
                number = hand_id(str(row["video_id"]), int(row["frame_index"]), int(row["number"]))
            else:
                return self._with_box(row)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{where}: expected numbers in {', '.join(key)} ({error}); correct them"
            ) from error
        return number if number in self._ids else None

    def _with_box(self, row: Row) -> int | None:
        wanted = np.array([float(row[name]) for name in BOX])
        hands = self._in_frame.get((str(row["video_id"]), int(row["frame_index"])), [])
        near = [number for number, box in hands if np.abs(box - wanted).max() <= BOX_TOLERANCE_PX]
        return near[0] if near else None

"""Boxes in JSON: a list of records, 100DOH's annotations, or what the hand_object_detector gives.

Files are read as a stream, for they may be larger than the memory.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from simhand.errors import DataError
from simhand.hands.given.box_rows import CORNERS, BoxFile, check_kind, side_of, to_table
from simhand.hands.given.image_names import place_of_image

BUFFER_BYTES = 1 << 20
DETECTOR_NUMBERS = 10
NUMBERS = ("timestamp_s", *CORNERS, "score", "offset_x", "offset_y", "offset_magnitude")
WHOLE_NUMBERS = ("frame_index", "contact_state")

Row = dict[str, Any]


def read_json_boxes(path: Path, shard_videos: Collection[str], run_videos: Collection[str]) -> BoxFile:
    """The boxes of ``shard_videos`` in a JSON file of one of three forms.

    - ``[{"video_id": ..., "frame_index": ..., "x1": ..., ...}, ...]``: the columns of table ``detections``.
    - ``{image path: [{"x1": ..., "hand_side": "l", "obj_bbox": ..., ...}]}``: 100DOH's annotations, in
      fractions of the image, numbers or strings.
    - ``{image path: [[x1, y1, x2, y2, score, contact state, magnitude, dx, dy, side]] or null}``: the
      ``hand_dets`` of the hand_object_detector, in pixels, side 0 left and 1 right.

    Args:
        path: the file.
        shard_videos: ids of the videos whose boxes are wanted.
        run_videos: ids of all videos of the run, which say how an image path is to be read.

    Raises:
        DataError: it is no JSON, of none of these forms, or an image does not tell which frame it is.
    """
    elsewhere: Counter[str] = Counter()
    try:
        return BoxFile(path, to_table(_rows(path, shard_videos, run_videos, elsewhere)), elsewhere)
    except ijson.JSONError as error:
        first_line = str(error).strip().splitlines()[0]
        raise DataError(
            f"{path} is not JSON ({first_line}); a missing number is null there, NaN is none; mend or "
            "write it again"
        ) from error


def _rows(
    path: Path, shard_videos: Collection[str], run_videos: Collection[str], elsewhere: Counter[str]
) -> Iterator[Row]:
    """The boxes of ``shard_videos``; entries of other videos are only counted, in ``elsewhere``."""
    with path.open("rb") as file:
        opening = next(iter(ijson.basic_parse(file)))[0]
        file.seek(0)
        if opening == "start_array":
            records = ijson.items(file, "item", use_float=True, buf_size=BUFFER_BYTES)
            for number, record in enumerate(records):
                row = _of_record(record, f"{path}, record {number}")
                if row["video_id"] in shard_videos:
                    yield row
                else:
                    elsewhere[row["video_id"]] += 1
        elif opening == "start_map":
            for image, found in ijson.kvitems(file, "", use_float=True, buf_size=BUFFER_BYTES):
                where = f"{path}, image '{image}'"
                place = place_of_image(image, where)
                video_id = place.video_in(run_videos)
                if video_id in shard_videos:
                    frame = {"frame_index": place.frame_index, "timestamp_s": place.timestamp_s}
                    yield from ({"video_id": video_id, **frame, **box} for box in _of_image(found, where))
                elif found:
                    elsewhere[video_id] += len(found)
        else:
            raise DataError(f"{path}: expected a JSON list of boxes or an object by image path; write it so")


def _of_record(record: Any, where: str) -> Row:
    missing = {"video_id", *CORNERS} - record.keys() if isinstance(record, Mapping) else {"video_id"}
    if missing or not record.keys() & {"frame_index", "timestamp_s"}:
        raise DataError(
            f"{where}: expected video_id, frame_index or timestamp_s, x1, y1, x2, y2 and side, "
            f"found {_shown(record)}; add what is missing"
        )
    row: Row = {name: _number(record.get(name), f"{where}, {name}") for name in NUMBERS}
    row |= {name: _whole(record.get(name), f"{where}, {name}") for name in WHOLE_NUMBERS}
    kind = check_kind(record.get("kind") or "hand", where)
    if kind == "hand" and "side" not in record:
        raise DataError(
            f"{where}: a hand without side; add left or right, the person's own: a left hand is mirrored"
        )
    side = side_of(record.get("side"), where)
    video_id = "" if record["video_id"] is None else str(record["video_id"])
    return row | {"video_id": video_id, "kind": kind, "side": side, "in_fractions": False}


def _of_image(found: Any, where: str) -> Iterator[Row]:
    for entry in found or []:
        if isinstance(entry, Mapping) and {*CORNERS, "hand_side"} <= entry.keys():
            yield from _of_annotation(entry, where)
        elif isinstance(entry, list) and len(entry) == DETECTOR_NUMBERS:
            yield _of_detector(entry, where)
        else:
            raise DataError(
                f"{where}: expected 100DOH's {{x1, y1, x2, y2, hand_side, contact_state, obj_bbox}} or the "
                f"{DETECTOR_NUMBERS} numbers of the hand_object_detector, found {_shown(entry)}; correct it"
            )


def _of_annotation(entry: Mapping[str, Any], where: str) -> Iterator[Row]:
    """The hand and, where it touches one, its object, both in fractions of the image."""
    hand = {name: _number(entry[name], f"{where}, {name}") for name in CORNERS}
    state = _whole(entry.get("contact_state"), f"{where}, contact_state")
    side = side_of(entry["hand_side"], where)
    yield {"kind": "hand", **hand, "in_fractions": True, "side": side, "contact_state": state}
    touched = entry.get("obj_bbox")
    if touched is not None:
        box = {name: _number(touched.get(name), f"{where}, obj_bbox {name}") for name in CORNERS}
        yield {"kind": "object", **box, "in_fractions": True}


def _of_detector(entry: list[Any], where: str) -> Row:
    x1, y1, x2, y2, score, _, magnitude, dx, dy = (_number(value, where) for value in entry[:-1])
    box = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "score": score, "contact_state": _whole(entry[5], where)}
    offset = {"offset_x": dx, "offset_y": dy, "offset_magnitude": magnitude}
    return {"kind": "hand", **box, "in_fractions": False, "side": side_of(entry[-1], where), **offset}


def _number(value: Any, where: str) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected a number, found {value!r}; correct it") from error


def _whole(value: Any, where: str) -> int | None:
    number = _number(value, where)
    if number is None or number.is_integer():
        return None if number is None else int(number)
    raise DataError(f"{where}: expected a whole number, found {value!r}; correct it")


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, Mapping) else str(value)
    return text if len(text) < 200 else f"{text[:200]} ..."

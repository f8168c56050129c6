"""The hands of a crops file written in every form in which boxes can be given."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Hand = dict[str, Any]
BOX = ("x1", "y1", "x2", "y2")
COLUMNS = ("video_id", "frame_index", "timestamp_s", *BOX, "score", "side")
FRAME_SIZE = (480, 360)


def columns(hands: Iterable[Hand], names: Iterable[str] = COLUMNS) -> dict[str, list[Any]]:
    """The hands as columns."""
    hands = list(hands)
    return {name: [hand[name] for hand in hands] for name in names}


def write_parquet(path: Path, hands: Iterable[Hand]) -> None:
    """Columns of table ``detections``, sides as words."""
    pa.parquet.write_table(pa.table(columns(hands)), path)


def write_csv(path: Path, hands: Iterable[Hand]) -> None:
    """Columns of the hand_object_detector: side 0 left, 1 right; the frame by its index."""
    table = columns(hands, [name for name in COLUMNS if name != "timestamp_s"])
    table["side"] = [int(side == "right") for side in table["side"]]
    pa.csv.write_csv(pa.table(table), path)


def write_records(path: Path, hands: Iterable[Hand]) -> None:
    """A list of records; the frame by its time, a hundredth of a second off."""
    records = [{name: hand[name] for name in COLUMNS if name != "frame_index"} for hand in hands]
    for record in records:
        record["timestamp_s"] += 0.01
        record["side"] = record["side"].title()
    path.write_text(json.dumps(records))


def by_image(hands: Iterable[Hand]) -> dict[str, list[Hand]]:
    """The hands by the path of their frame, as the released scripts write frames."""
    images: dict[str, list[Hand]] = {}
    for hand in hands:
        image = f"/data/frames/{hand['video_id']}/frame_{hand['frame_index']:06d}.jpg"
        images.setdefault(image, []).append(hand)
    return images


def write_annotations(path: Path, hands: Iterable[Hand]) -> None:
    """100DOH's annotations: fractions as text, sides l and r, and an object now and then."""
    images: dict[str, list[dict[str, Any]]] = {"/data/frames/elsewhere/frame_000000.jpg": []}
    for image, of_image in by_image(hands).items():
        images[image] = [annotation(hand) for hand in of_image]
    path.write_text(json.dumps(images))


def annotation(hand: Hand) -> dict[str, Any]:
    """A hand as 100DOH annotates it."""
    box = {name: repr(hand[name] / FRAME_SIZE[number % 2]) for number, name in enumerate(BOX)}
    touched = {"x1": "0.1", "y1": 0.2, "x2": 0.3, "y2": 0.4} if hand["side"] == "left" else None
    size = {"width": 1280, "height": 720}
    return {**box, **size, "contact_state": 3, "hand_side": hand["side"][0], "obj_bbox": touched}


def write_detector_output(path: Path, hands: Iterable[Hand]) -> None:
    """The arrays ``hand_dets`` of the hand_object_detector by image, null where it found none."""
    images: dict[str, list[list[float]] | None] = {"/data/frames/elsewhere/frame_000000.jpg": None}
    for image, of_image in by_image(hands).items():
        images[image] = [
            [
                *(hand[name] for name in BOX),
                hand["score"],
                3,
                0.01,
                0.06,
                -0.08,
                float(hand["side"] == "right"),
            ]
            for hand in of_image
        ]
    path.write_text(json.dumps(images))


FORMATS: dict[str, Callable[[Path, Iterable[Hand]], None]] = {
    "boxes.parquet": write_parquet,
    "boxes.csv": write_csv,
    "records.json": write_records,
    "annotations.json": write_annotations,
    "detector.json": write_detector_output,
}

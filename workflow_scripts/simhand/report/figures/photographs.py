"""Frames with the hands found in them, and crops with their keypoints."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simhand.files.packed import PackedReader
from simhand.files.tables import JOINTS, read_table
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.drawing import Pixels, decode, draw_box, draw_skeleton, resize
from simhand.report.figures.style import SIDE_COLOURS, Figure, image_png

# Examples need not come from every shard of a large run.
SHARDS_OPENED = 16
FRAME_WIDTH_PX = 480
FRAME_HEIGHT_PX = 360
CROP_PX = 176


def draw_frames(run_dir: Path, shards: Sequence[str], count: int) -> Figure | None:
    """Frames of different videos with the boxes and keypoints of their hands; None without any hand.

    Args:
        run_dir: the run folder.
        shards: ``<source>/<shard>`` of all shards.
        count: frames to show.
    """
    candidates = [found for shard in spread(shards, SHARDS_OPENED) for found in _best_frames(run_dir, shard)]
    chosen = spread(candidates, count)
    if not chosen:
        return None
    tiles = []
    for shard, frame_key, hands in chosen:
        pixels, label = _frame_with_hands(run_dir, shard, frame_key, hands)
        tiles.append(Tile([pixels], label))
    columns = 3
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    image = draw_sheet(Sheet(rows, FRAME_WIDTH_PX, FRAME_HEIGHT_PX))
    caption = (
        f"{len(tiles)} of the frames taken at one per second, each from another video where there are "
        "enough: the frame of a video with the most confident hands. Boxes are the detector's, blue for "
        "left and red for right hands, with its 21 keypoints where it gives them. Look for boxes that "
        "miss a hand or cut it, and for a side that is wrong."
    )
    return Figure("frames", "frames", "Frames and the hands found in them", caption, True, image_png(image))


def draw_crops(run_dir: Path, shards: Sequence[str], count: int) -> Figure | None:
    """Crops with their keypoints, taken evenly from the run; None without any valid keypoints."""
    opened = spread(shards, SHARDS_OPENED)
    found = [(shard, row) for shard in opened for row in _valid_rows(run_dir, shard)]
    chosen = spread(found, count)
    if not chosen:
        return None
    tiles = [_crop_tile(run_dir, shard, row) for shard, row in chosen]
    columns = 8
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    image = draw_sheet(Sheet(rows, CROP_PX, CROP_PX, gap_px=12))
    caption = (
        f"{len(tiles)} of {len(found):,} hands with valid keypoints, evenly over the videos and not picked "
        "by hand. Left hands are mirrored, so every crop shows a right hand; the label names the side it "
        "was. Fingers from thumb to little: red, amber, green, blue, violet. Look for skeletons that "
        "leave the hand or cross fingers."
    )
    return Figure("crops", "crops", "Crops and their 21 keypoints", caption, True, image_png(image))


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most ``count`` of the items, evenly spaced and in order."""
    if len(items) <= count:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, count)]


def read_image(run_dir: Path, crop_file: str, row: int) -> Pixels:
    """The crop in ``row`` of a packed file, whose path is relative to the run folder."""
    with PackedReader(run_dir / crop_file, "crops") as crops:
        return decode(crops.image(row), f"crop {row} of {crop_file}")


def _best_frames(run_dir: Path, shard: str) -> Iterator[tuple[str, tuple[str, int], list[int]]]:
    """Of every video of a shard: the frame whose hands have the highest scores together, and its hands."""
    with PackedReader(run_dir / "crops" / f"{shard}.arrow", "crops") as crops:
        table = crops.table(["video_id", "frame_index", "score"]).to_pydict()
    frames: dict[tuple[str, int], list[int]] = {}
    for row, key in enumerate(zip(table["video_id"], table["frame_index"], strict=True)):
        frames.setdefault(key, []).append(row)
    best: dict[str, tuple[float, tuple[str, int]]] = {}
    for key, rows in frames.items():
        score = sum(table["score"][row] or 0.0 for row in rows)
        if key[0] not in best or score > best[key[0]][0]:
            best[key[0]] = score, key
    for _, key in best.values():
        yield shard, key, frames[key]


def _frame_with_hands(
    run_dir: Path, shard: str, key: tuple[str, int], hands: Sequence[int]
) -> tuple[Pixels, list[str]]:
    with PackedReader(run_dir / "frames" / f"{shard}.arrow", "frames") as frames:
        index = frames.table(["video_id", "frame_index", "timestamp_s"]).to_pydict()
        keys = list(zip(index["video_id"], index["frame_index"], strict=True))
        row = keys.index(key)
        pixels = decode(frames.image(row), f"frame {row} of frames/{shard}.arrow")
    scale = min(FRAME_WIDTH_PX / pixels.shape[1], FRAME_HEIGHT_PX / pixels.shape[0])
    pixels = resize(pixels, round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    with PackedReader(run_dir / "crops" / f"{shard}.arrow", "crops") as crops:
        for hand in (crops.row(row) for row in hands):
            box = np.array([hand["x1"], hand["y1"], hand["x2"], hand["y2"]]) * scale
            draw_box(pixels, box, SIDE_COLOURS.get(hand["side"], "#7d858f"), 2)
            if hand["landmarks"] is not None:
                joints = np.array(hand["landmarks"]).reshape(JOINTS, 3)[:, :2] * scale
                draw_skeleton(pixels, joints, width_px=1.6)
    seconds = index["timestamp_s"][row]
    return pixels, [key[0], f"{seconds:.2f} s · {len(hands)} hand{'s' if len(hands) > 1 else ''}"]


def _valid_rows(run_dir: Path, shard: str) -> list[int]:
    valid = read_table(run_dir / "keypoints" / f"{shard}.parquet", "keypoints", ["valid"])[
        "valid"
    ].to_pylist()
    return [row for row, usable in enumerate(valid) if usable]


def _crop_tile(run_dir: Path, shard: str, row: int) -> Tile:
    columns = ["hand_id", "side", "video_id", "keypoints"]
    hand = (
        read_table(run_dir / "keypoints" / f"{shard}.parquet", "keypoints", columns)
        .slice(row, 1)
        .to_pylist()[0]
    )
    with PackedReader(run_dir / "crops" / f"{shard}.arrow", "crops") as crops:
        hand_ids = crops.table(["hand_id"])["hand_id"].to_pylist()
        pixels = decode(crops.image(hand_ids.index(hand["hand_id"])), f"hand {hand['hand_id']}")
    pixels = resize(pixels, CROP_PX, CROP_PX)
    draw_skeleton(pixels, np.array(hand["keypoints"]).reshape(JOINTS, 2) * CROP_PX, width_px=2.2)
    return Tile([pixels], [hand["video_id"], hand["side"]])

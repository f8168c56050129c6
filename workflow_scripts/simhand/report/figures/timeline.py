"""One hand over consecutive seconds with its similar hands of every rank, as the paper's Figure 8."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from simhand.files.packed import PackedReader
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.pairs import (
    QUERY_FRAME,
    QUERY_PX,
    distance_text,
    hand_picture,
    hands_with_every_rank,
)
from simhand.report.figures.photographs import SHARDS_OPENED, spread
from simhand.report.figures.style import Figure, image_png
from simhand.report.mined_set import MinedSet

MOST_SECONDS = 8
FEWEST_SECONDS = 2
# Frames are a second apart, give or take a frame; one in which the hand was not found may lie between.
MOST_GAP_S = 2.5


def draw_timeline(mined: MinedSet) -> Figure | None:
    """The hand that can be followed longest, with its partners second by second; None if none can be."""
    crop_files = sorted(pc.unique(mined.hands["crop_file"]).to_pylist())
    searched = spread(crop_files, SHARDS_OPENED)
    hands = _longest_run(_timed_hands(mined, searched))[:MOST_SECONDS]
    if len(hands) < FEWEST_SECONDS:
        return None
    ranks = mined.ranks()
    rows: list[list[Tile]] = [[], *([] for _ in ranks)]
    for hand in hands:
        lines = [f"{hand['timestamp_s']:.1f} s", hand["group_id"]]
        rows[0].append(Tile([hand_picture(mined, hand, QUERY_PX)], lines, frame=QUERY_FRAME))
        pairs = mined.of_hand(hand["row"])
        for tiles, partner, distance in zip(rows[1:], pairs.partners, pairs.distances, strict=True):
            positive = mined.hand(int(partner))
            lines = [distance_text(distance), positive["group_id"]]
            tiles.append(Tile([hand_picture(mined, positive, QUERY_PX)], lines))
    titles = ["query", *(f"Top-{rank}" for rank in ranks)]
    image = draw_sheet(Sheet(rows, QUERY_PX, QUERY_PX, row_titles=titles))
    first = hands[0]
    files = f"in {len(searched)} of {len(crop_files)} crop files " if len(searched) < len(crop_files) else ""
    caption = (
        f"The {first['side']} hand of {first['video_id']} over {len(hands)} frames of the video, left to "
        "right, and below each its similar hands by rank (the form of the paper's Figure 8), with distance "
        f"and recording. Not picked by hand: of set {mined.name} {files}it is the hand that is found longest "
        f"without a gap of more than {MOST_GAP_S:g} s. Partners should change as the pose changes, and "
        "differ more downwards."
    )
    title = f"A hand over time and its similar hands, set {mined.name}"
    return Figure(f"timeline_{mined.name}", "pairs", title, caption, True, image_png(image))


def _timed_hands(mined: MinedSet, crop_files: Sequence[str]) -> list[dict[str, Any]]:
    """The hands in these files that have every rank, each with its row of the set and its timestamp."""
    complete = hands_with_every_rank(mined)
    hands = mined.hands.take(complete).append_column("row", pa.array(complete))
    found = []
    for crop_file in crop_files:
        with PackedReader(mined.run_dir / crop_file, "crops") as crops:
            times = crops.table(["timestamp_s"])["timestamp_s"].to_numpy()
        for hand in hands.filter(pc.equal(hands["crop_file"], crop_file)).to_pylist():
            found.append({**hand, "timestamp_s": float(times[hand["crop_row"]])})
    return found


def _longest_run(hands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The longest succession of hands of one video and side, one per frame, with no gap in it."""

    def of_video(hand: dict[str, Any]) -> tuple[str, str, str]:
        return hand["source"], hand["video_id"], hand["side"]

    longest: list[dict[str, Any]] = []
    ordered = sorted(hands, key=lambda hand: (*of_video(hand), hand["timestamp_s"], hand["hand_id"]))
    for _, of_one in groupby(ordered, of_video):
        run: list[dict[str, Any]] = []
        for hand in of_one:
            gap = hand["timestamp_s"] - run[-1]["timestamp_s"] if run else 0.0
            if run and gap == 0:
                continue
            run = [*run, hand] if gap <= MOST_GAP_S else [hand]
            if len(run) > len(longest):
                longest = run
    return longest

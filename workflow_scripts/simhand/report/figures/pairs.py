"""Mined pairs to look at: a grid of anchors beside their positives, and queries with every mined rank."""

from collections.abc import Sequence
from math import ceil, isnan, sqrt
from typing import Any

import numpy as np

from simhand.mining.sets import Int64Array
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.drawing import Pixels, resize
from simhand.report.figures.photographs import read_image, spread
from simhand.report.figures.style import PAPER, Figure, image_png, rgb
from simhand.report.mined_set import MinedSet
from simhand.report.pair_sample import spread_pairs

PAIR_PX = 84
PAIRS_PER_ROW = 10
QUERY_PX = 150
RANKS_PER_ROW = 9
QUERY_FRAME = "#1f2328"
UNKNOWN = "\N{EN DASH}"


def draw_pairs(mined: MinedSet, count: int) -> Figure | None:
    """Anchors beside their most similar hand, closest first, no hand twice; None without pairs."""
    if mined.pairs.num_rows == 0:
        return None
    rank = mined.ranks()[0]
    pairs = mined.of_rank(rank)
    shown = pairs.take(spread_pairs(pairs, mined.groups, count, each_hand_once=True))
    tiles = [
        Tile(
            [hand_picture(mined, mined.hand(int(row)), PAIR_PX) for row in (anchor, partner)],
            [distance_text(distance)],
        )
        for anchor, partner, distance in zip(shown.anchors, shown.partners, shown.distances, strict=True)
    ]
    columns = min(PAIRS_PER_ROW, ceil(sqrt(len(tiles))))
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    image = draw_sheet(Sheet(rows, PAIR_PX, PAIR_PX, gap_px=14))
    elsewhere = (mined.groups[shown.anchors] != mined.groups[shown.partners]).all()
    partner = "most similar hand in another recording" if elsewhere else "partner"
    recordings = len(np.unique(mined.groups[np.concatenate([shown.anchors, shown.partners])]))
    caption = (
        f"{len(tiles):,} of {len(pairs.anchors):,} pairs of rank {rank} in set {mined.name}, of "
        f"{recordings:,} recordings: the anchor left, its {partner} right, and their distance. From the "
        "closest pair (top left) to the farthest (bottom right), taken at even steps with rarely shown "
        "recordings preferred, not picked by hand; no hand is shown twice. The pose should agree "
        "while person and background differ, and agree less and less downwards."
    )
    return Figure(
        f"pairs_{mined.name}", "pairs", f"Mined pairs, set {mined.name}", caption, True, image_png(image)
    )


def draw_ranks(mined: MinedSet, count: int) -> Figure | None:
    """Queries with the similar hand of every mined rank, as the paper's Figure 2; None without pairs."""
    ranks = mined.ranks()
    queries = spread(hands_with_every_rank(mined).tolist(), count)
    if not queries:
        return None
    rows = [row for query in queries for row in _query_rows(mined, query, ranks)]
    image = draw_sheet(Sheet(rows, QUERY_PX, QUERY_PX, gap_px=14))
    caption = (
        f"Queries from set {mined.name}, evenly spaced and not picked by hand, each with its similar hand "
        "of every rank (the form of the paper's Figure 2); below, rank and distance, and the recording. "
        "Top-1 is the positive of SiMHand; similarity should fade with the rank."
    )
    title = f"Queries and their similar hands, set {mined.name}"
    return Figure(f"ranks_{mined.name}", "pairs", title, caption, True, image_png(image))


def hands_with_every_rank(mined: MinedSet) -> Int64Array:
    """Rows of the hands with a partner of every rank; by hand_id, a hash, so in no order that matters."""
    pairs = mined.every_pair()
    counts = np.bincount(pairs.anchors, minlength=mined.hands.num_rows)
    return np.flatnonzero(counts == len(mined.ranks())) if len(pairs.anchors) else np.empty(0, np.int64)


def hand_picture(mined: MinedSet, hand: dict[str, Any], size_px: int) -> Pixels:
    """The crop of a row of the set, as a square."""
    return resize(read_image(mined.run_dir, hand["crop_file"], hand["crop_row"]), size_px, size_px)


def distance_text(distance: float) -> str:
    """A distance as it stands below a picture; given pairs may come without one."""
    return UNKNOWN if isnan(distance) else f"{distance:.3f}"


def _query_rows(mined: MinedSet, query: int, ranks: Sequence[int]) -> list[list[Tile]]:
    """The query and its partners; more ranks than fit go on below, under an empty place."""
    pairs, hand = mined.of_hand(query), mined.hand(query)
    tiles = []
    for rank, partner, distance in zip(ranks, pairs.partners, pairs.distances, strict=True):
        positive = mined.hand(int(partner))
        lines = [f"Top-{rank} · {distance_text(distance)}", positive["group_id"]]
        tiles.append(Tile([hand_picture(mined, positive, QUERY_PX)], lines))
    first = Tile([hand_picture(mined, hand, QUERY_PX)], ["query", hand["group_id"]], frame=QUERY_FRAME)
    empty = Tile([np.full((QUERY_PX, QUERY_PX, 3), rgb(PAPER), np.uint8)])
    return [
        [empty if start else first, *tiles[start : start + RANKS_PER_ROW]]
        for start in range(0, len(tiles), RANKS_PER_ROW)
    ]

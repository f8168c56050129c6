"""Mined pairs to look at: a sheet of anchors beside their positives, and queries with every mined rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.tables import read_table
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.drawing import resize
from simhand.report.figures.photographs import read_image, spread
from simhand.report.figures.style import Figure, image_png

PAIR_PX = 142
PAIRS_PER_ROW = 5
QUERY_PX = 150
MOST_RANKS = 9
QUERY_FRAME = "#1f2328"


@dataclass(frozen=True)
class MinedSet:
    """A pre-training set and its pairs, and where to find the crop of each hand."""

    name: str
    run_dir: Path
    hands: pa.Table
    pairs: pa.Table

    @classmethod
    def load(cls, run_dir: Path, name: str) -> "MinedSet":
        """Read sets/<name>.parquet and pairs/<name>.parquet."""
        columns = ["hand_id", "group_id", "crop_file", "crop_row"]
        hands = read_table(run_dir / "sets" / f"{name}.parquet", "set", columns)
        return cls(name, run_dir, hands, read_table(run_dir / "pairs" / f"{name}.parquet", "pairs"))

    def ranks(self) -> list[int]:
        """The ranks that were mined, the most similar first."""
        return sorted(pc.unique(self.pairs["rank"]).to_pylist())

    def of_rank(self, rank: int) -> pa.Table:
        """The pairs of one rank, the closest first."""
        pairs = self.pairs.filter(pc.equal(self.pairs["rank"], rank))
        return pairs.sort_by([("distance", "ascending"), ("hand_id", "ascending")])

    def distances(self, rank: int) -> npt.NDArray[np.float64]:
        """The distances of one rank, ascending."""
        return np.asarray(self.of_rank(rank)["distance"].to_numpy(), np.float64)

    def hand(self, hand_id: int) -> dict[str, Any]:
        """The row of a hand in the set.

        Raises:
            DataError: the pairs name a hand that the set does not have.
        """
        found = self.hands.filter(pc.equal(self.hands["hand_id"], hand_id))
        if found.num_rows != 1:
            raise DataError(
                f"pairs/{self.name}.parquet names hand {hand_id}, which sets/{self.name}.parquet does not "
                "have; run mine_pairs again"
            )
        row: dict[str, Any] = found.to_pylist()[0]
        return row

    def picture(self, hand: dict[str, Any], size_px: int) -> npt.NDArray[np.uint8]:
        """The crop of a row of the set."""
        return resize(read_image(self.run_dir, hand["crop_file"], hand["crop_row"]), size_px, size_px)


def draw_pairs(mined: MinedSet, count: int) -> Figure | None:
    """Anchors beside their most similar hand, from the closest pair to the farthest; None without pairs."""
    if mined.pairs.num_rows == 0:
        return None
    rank = mined.ranks()[0]
    pairs = mined.of_rank(rank)
    chosen = spread(_without_mirrored(pairs), count)
    tiles = [_pair_tile(mined, row) for row in pairs.take(chosen).to_pylist()]
    rows = [tiles[start : start + PAIRS_PER_ROW] for start in range(0, len(tiles), PAIRS_PER_ROW)]
    image = draw_sheet(Sheet(rows, PAIR_PX, PAIR_PX, gap_px=16))
    caption = (
        f"{len(tiles)} of {pairs.num_rows:,} pairs of rank {rank} in set {mined.name}: anchor left, its "
        "most similar hand in another recording right, then their distance in the pose embedding and the "
        "two recordings. Ordered from the closest pair (top left) to the farthest (bottom right) at even "
        "steps, not picked by hand; two hands that are each other's partner are shown once. The pose "
        "should agree while person and background differ, and agree less and less downwards."
    )
    return Figure(
        f"pairs_{mined.name}", "pairs", f"Mined pairs, set {mined.name}", caption, True, image_png(image)
    )


def draw_ranks(mined: MinedSet, count: int) -> Figure | None:
    """Queries with the similar hand of every mined rank, as the paper's Figure 2; None without pairs."""
    ranks = spread(mined.ranks(), MOST_RANKS)
    queries = spread(_hands_with_ranks(mined, ranks), count)
    if not queries:
        return None
    rows = [_query_row(mined, query, ranks) for query in queries]
    titles = ["query", *(f"Top-{rank}" for rank in ranks)]
    image = draw_sheet(Sheet(rows, QUERY_PX, QUERY_PX, column_titles=titles, gap_px=14))
    caption = (
        f"Queries from set {mined.name}, evenly spaced and not picked by hand, each with its similar hands "
        "in other recordings by rank (the form of the paper's Figure 2), distance and recording below. "
        "Top-1 is the positive of SiMHand; similarity should fade from left to right."
    )
    title = f"Queries and their similar hands, set {mined.name}"
    return Figure(f"ranks_{mined.name}", "pairs", title, caption, True, image_png(image))


def _without_mirrored(pairs: pa.Table) -> list[int]:
    """The rows of ``pairs`` without the second of two hands that are each other's partner."""
    ends = np.sort(
        np.stack([pairs[name].to_numpy() for name in ("hand_id", "positive_hand_id")], axis=1), axis=1
    )
    _, first = np.unique(ends, axis=0, return_index=True)
    return sorted(first.tolist())


def _pair_tile(mined: MinedSet, pair: dict[str, Any]) -> Tile:
    anchor, positive = mined.hand(pair["hand_id"]), mined.hand(pair["positive_hand_id"])
    pictures = [mined.picture(hand, PAIR_PX) for hand in (anchor, positive)]
    return Tile(pictures, [f"{pair['distance']:.3f}"], [anchor["group_id"], positive["group_id"]])


def _hands_with_ranks(mined: MinedSet, ranks: Sequence[int]) -> list[int]:
    """The hands that have a partner of every rank, by hand_id: a hash, so in no order that matters."""
    chosen = mined.pairs.filter(pc.is_in(mined.pairs["rank"], pa.array(ranks, pa.int32())))
    counts = chosen.group_by("hand_id").aggregate([("rank", "count")])
    complete = counts.filter(pc.equal(counts["rank_count"], len(ranks)))["hand_id"]
    return sorted(complete.to_pylist())


def _query_row(mined: MinedSet, query: int, ranks: Sequence[int]) -> list[Tile]:
    pairs = mined.pairs.filter(pc.equal(mined.pairs["hand_id"], query)).to_pylist()
    by_rank = {pair["rank"]: pair for pair in pairs}
    hand = mined.hand(query)
    tiles = [Tile([mined.picture(hand, QUERY_PX)], [hand["group_id"]], frame=QUERY_FRAME)]
    for rank in ranks:
        positive = mined.hand(by_rank[rank]["positive_hand_id"])
        lines = [f"{by_rank[rank]['distance']:.3f}", positive["group_id"]]
        tiles.append(Tile([mined.picture(positive, QUERY_PX)], lines))
    return tiles

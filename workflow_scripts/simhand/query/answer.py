"""What a query gives for a photo: a table of the most similar hands, and a picture of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.csv

from simhand.files.atomic import atomic_path, write_bytes
from simhand.files.tables import make_table, write_table
from simhand.query.matches import Match
from simhand.query.photos import Photo, PhotoHand
from simhand.query.picture import draw_answer

OF_QUERY = ("side", "score", "x1", "y1", "x2", "y2")
OF_SET = ("hand_id", "group_id", "video_id", "source", "side", "crop_file", "crop_row")


def write_answer(
    folder: Path, photo: Photo, set_name: str, answers: Sequence[tuple[PhotoHand, Sequence[Match]]]
) -> None:
    """Write matches.parquet, matches.csv and matches.png for one photo into ``folder``.

    Args:
        folder: made if it is not there.
        photo: the photo.
        set_name: of the set that was searched.
        answers: its hands, from the first, each with the hands similar to it.
    """
    rows = [
        _row(photo, set_name, number, hand, match)
        for number, (hand, matches) in enumerate(answers)
        for match in matches
    ]
    table = make_table("matches", rows)
    write_table(folder / "matches.parquet", "matches", table)
    with atomic_path(folder / "matches.csv") as partial:
        pyarrow.csv.write_csv(table, partial)
    write_bytes(folder / "matches.png", draw_answer(photo, answers))


def _row(photo: Photo, set_name: str, number: int, hand: PhotoHand, match: Match) -> dict[str, Any]:
    return {
        "photo": photo.name,
        "query_hand": number,
        **{f"query_{name}": hand.crop[name] for name in OF_QUERY},
        "set": set_name,
        "rank": match.rank,
        "distance": match.distance,
        **{name: match.hand[name] for name in OF_SET},
        "timestamp_s": match.timestamp_s,
    }

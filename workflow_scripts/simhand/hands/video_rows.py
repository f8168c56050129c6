"""Portions of a packed file that one task of a worker goes through."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class VideoRows:
    """Some rows of a packed file, all of one video, so that what fails in them is that video's matter."""

    video_id: str
    rows: list[int]


def rows_by_video(rows: Iterable[tuple[int, str]], most: int) -> list[VideoRows]:
    """Split ``rows`` (row number, video id) into runs of one video of at most ``most`` rows each."""
    portions: list[VideoRows] = []
    for row, video_id in rows:
        if not portions or portions[-1].video_id != video_id or len(portions[-1].rows) >= most:
            portions.append(VideoRows(video_id, []))
        portions[-1].rows.append(row)
    return portions

"""``videos/groups.parquet``: which videos are one recording, and so never give a pair."""

import csv
from collections.abc import Sequence
from pathlib import Path

from simhand.errors import DataError
from simhand.files.tables import write_table
from simhand.videos.index_table import IndexedVideo
from simhand.world.catalogue import recording_of

COLUMNS = ("video_id", "group_id")


def write_groups(videos: Sequence[IndexedVideo], groups_csv: Path | None, groups: Path) -> None:
    """Write the group of every video: the CSV's, else a rendered video's recording, else the video itself.

    Args:
        videos: all rows of the index.
        groups_csv: the user's table with columns video_id and group_id, if there is one.
        groups: table to write.

    Raises:
        DataError: the CSV is missing or broken, or names a video that is not in the index.
    """
    given = read_groups_csv(groups_csv, {video.video_id for video in videos}) if groups_csv else {}
    defaults = {video.video_id: _default_group(video) for video in videos}
    merged = defaults | given
    write_table(groups, "groups", {"video_id": list(merged), "group_id": list(merged.values())})


def read_groups_csv(path: Path, known: set[str]) -> dict[str, str]:
    """Group by video of the user's CSV, which may have other columns too.

    Raises:
        DataError: it is missing, not UTF-8, lacks a column or a value, or names a video that is not in
            ``known`` or the same video twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"groups.groups_csv: {path} cannot be read ({error})") from error
    if missing := [column for column in COLUMNS if column not in header]:
        raise DataError(
            f"groups.groups_csv: {path} lacks the column(s) {', '.join(missing)}; "
            f"expected a header such as video_id,group_id, found {','.join(header) or 'nothing'}"
        )
    groups: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        video_id, group_id = row["video_id"], row["group_id"]
        if not video_id or not group_id:
            raise DataError(f"groups.groups_csv: {path} row {line} has no video_id or no group_id")
        if groups.setdefault(video_id, group_id) != group_id:
            raise DataError(
                f"groups.groups_csv: {path} row {line} gives '{video_id}' a second group, '{group_id}'"
            )
    if unknown := sorted(groups.keys() - known):
        raise DataError(
            f"groups.groups_csv: {path} names {len(unknown)} video(s) that are not in videos.tsv: "
            f"{', '.join(unknown[:10])}; video ids are paths below the source's folder, without suffix"
        )
    return groups


def _default_group(video: IndexedVideo) -> str:
    return recording_of(video.video_id) if video.is_rendered() else video.video_id

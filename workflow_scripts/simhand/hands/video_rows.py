"""The rows of a packed file video by video: what a worker goes through, and who has any."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.files.identity import code_identity, digest_of, file_identity
from simhand.files.tables import read_table


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


def part_identities(
    portions: Iterable[VideoRows], module: str, settings_json: str, inputs: Iterable[Path]
) -> dict[str, str]:
    """For every video of ``portions``, in order, a digest of all that its results depend on.

    Args:
        portions: the work.
        module: ``__file__`` of the module that does it.
        settings_json: the settings that matter.
        inputs: the files that are read.
    """
    common = [code_identity(Path(module)), settings_json, *map(file_identity, inputs)]
    return {portion.video_id: digest_of(common, portion.video_id) for portion in portions}


def statuses_before(
    status_file: Path, table: str, with_rows: Iterable[str], packed_file: Path
) -> dict[str, dict[str, Any]]:
    """The rows of the status table of the stage before, by video, in the order of the shard.

    Args:
        status_file: that table.
        table: its name.
        with_rows: the videos that have rows in ``packed_file``.
        packed_file: what that stage gave.

    Raises:
        DataError: ``packed_file`` has videos that the table does not tell of.
    """
    statuses = {row["video_id"]: row for row in read_table(status_file, table).to_pylist()}
    if unknown := sorted(set(with_rows) - statuses.keys()):
        raise DataError(
            f"{packed_file} has {len(unknown)} videos, such as '{unknown[0]}', that {status_file} does not "
            "list; they are of different runs of their stage: delete both and run it again"
        )
    return statuses


def status_without_rows(before: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The status row of a video from which the stage before took no ``what`` (frames or crops)."""
    reason = f"no {what}: {before['reason']}"
    return {"video_id": before["video_id"], "ok": before["ok"], "frames": 0, "hands": 0, "reason": reason}

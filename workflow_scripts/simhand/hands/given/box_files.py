"""Reads a file of boxes of any known form."""

from collections.abc import Collection
from pathlib import Path

from simhand.hands.given.box_json import read_json_boxes
from simhand.hands.given.box_rows import BoxFile
from simhand.hands.given.box_tables import read_table_boxes


def read_box_file(path: Path, shard_videos: Collection[str], run_videos: Collection[str]) -> BoxFile:
    """The boxes of ``shard_videos`` in a Parquet, CSV or JSON file.

    Args:
        path: the file.
        shard_videos: ids of the videos whose boxes are wanted.
        run_videos: ids of all videos of the run.

    Raises:
        DataError: the file is broken; the message says how.
    """
    if path.suffix == ".json":
        return read_json_boxes(path, shard_videos, run_videos)
    return read_table_boxes(path, shard_videos)

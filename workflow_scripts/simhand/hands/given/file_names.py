"""The files that a config names for boxes or keypoints; imports no package, for the DAG asks for them."""

import os
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

from simhand.errors import DataError

BOXES = (".parquet", ".csv", ".json")
KEYPOINTS = (".parquet", ".json")
"""The kinds of files."""


def files_of_shard(
    given: Path, suffixes: Sequence[str], source: str, shard: str, video_ids: Sequence[str]
) -> list[Path]:
    """The files of ``given`` that may tell of the videos of a shard.

    Args:
        given: a file, or a folder with ``<source>/<shard>`` or ``<video_id>`` plus a suffix.
        suffixes: that a file may have.
        source: of the shard.
        shard: its name, such as 0000.
        video_ids: its videos.

    Raises:
        DataError: there is no such file or folder, it has another suffix, or two files are for one video.
    """
    if given.is_dir():
        names = [f"{source}/{shard}", *video_ids]
        return [path for name in names for path in _only(_in_folder(given, suffixes).get(name, []))]
    if not given.is_file():
        raise DataError(f"{given.absolute()} does not exist; correct the path in the config")
    if given.suffix not in suffixes:
        raise DataError(f"{given}: expected a file {', '.join(suffixes)}, found '{given.suffix}'; convert it")
    return [given]


def names_in_folder(given: Path, suffixes: Sequence[str]) -> Collection[str]:
    """What the files of a folder are named after; nothing for a file."""
    return _in_folder(given, suffixes) if given.is_dir() else []


@cache
def _in_folder(folder: Path, suffixes: Sequence[str]) -> dict[str, list[Path]]:
    """The files below ``folder`` by their path in it without suffix; listed once, for there may be many."""
    found: dict[str, list[Path]] = {}
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix in suffixes:
                found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), []).append(path)
    return found


def _only(paths: list[Path]) -> list[Path]:
    if len(paths) > 1:
        raise DataError(f"{paths[0]} and {paths[1].name} are for the same videos; remove one")
    return paths

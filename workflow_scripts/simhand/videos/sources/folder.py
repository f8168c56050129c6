"""Lists a folder of any videos."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from simhand.errors import DataError
from simhand.settings.sources import FolderSource
from simhand.videos.sources.listed import ListedVideo, without_unprintable

# fmt: off
VIDEO_SUFFIXES = (
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".ogv", ".ts", ".vob", ".webm", ".wmv",
)
# fmt: on


def list_folder(name: str, source: FolderSource) -> list[ListedVideo]:
    """The videos below the folder of source ``name``, sorted by their path in it.

    Raises:
        DataError: there is no such folder, or no video in it.
    """
    folder = Path(source.path).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"sources.{name}.path: expected a folder of videos at {folder.absolute()}, found none; "
            "mount it or correct the path"
        )
    found = {path.relative_to(folder).as_posix(): path for path in _video_files(folder, source.recursive)}
    found = without_unprintable(name, found)
    if not found:
        where = "in it or in its subfolders" if source.recursive else "directly in it (recursive is false)"
        raise DataError(
            f"sources.{name}.path: no video {where}: {folder.absolute()}; "
            f"files with these suffixes count as videos: {' '.join(VIDEO_SUFFIXES)}"
        )
    return [
        ListedVideo(_possible_ids(name, relative), path.as_posix())
        for relative, path in sorted(found.items())
    ]


def _video_files(folder: Path, recursive: bool) -> Iterator[Path]:
    """Videos below ``folder``; linked folders are entered once, hidden names (._clip.mp4) left out."""
    visited = set()
    for parent, subfolders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        repeated = real in visited
        visited.add(real)
        subfolders[:] = sorted(name for name in subfolders if recursive and not repeated and name[0] != ".")
        for name in names:
            if not repeated and name[0] != "." and Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield Path(parent, name)


def _possible_ids(source: str, relative: str) -> Iterator[str]:
    """The path without suffix, else with it, else behind the source's name, else numbered."""
    stem = str(PurePosixPath(relative).with_suffix(""))
    yield from (stem, relative, f"{source}/{stem}", f"{source}/{relative}")
    yield from (f"{source}/{relative}~{number}" for number in itertools.count(2))

"""Lists the videos of a source; one function per kind of source, no video is opened."""

import itertools
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simhand.errors import ConfigError, DataError
from simhand.settings.sources import FolderSource, SourceSettings
from simhand.settings.world import WorldSettings
from simhand.world import catalogue

# fmt: off
VIDEO_SUFFIXES = (
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".ogv", ".ts", ".vob", ".webm", ".wmv",
)
# fmt: on

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class ListedVideo:
    """A video that a source offers.

    Attributes:
        possible_ids: video ids in order of preference; the first that nobody has becomes its id.
        path: the file; None for a video yet to be rendered, whose place follows from its shard.
    """

    possible_ids: Iterable[str]
    path: str | None


def list_videos(name: str, source: SourceSettings, world: WorldSettings | None) -> list[ListedVideo]:
    """The videos of source ``name`` in a fixed order.

    Raises:
        DataError: there is no such folder, or no video in it.
        ConfigError: a rendered source without a world.
    """
    if isinstance(source, FolderSource):
        return _list_folder(name, source)
    if world is None:
        raise ConfigError(f"sources.{name} is rendered, which needs the `world` section")
    return [ListedVideo((video_id,), None) for video_id in catalogue.video_ids(world)]


def _list_folder(name: str, source: FolderSource) -> list[ListedVideo]:
    folder = Path(source.path).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"sources.{name}.path: expected a folder of videos at {folder.absolute()}, found none; "
            "mount it or correct the path"
        )
    found = {path.relative_to(folder).as_posix(): path for path in _video_files(folder, source.recursive)}
    for relative in [relative for relative in found if not _fits_in_a_table(relative)]:
        log.warning(
            "sources.%s: left out %a: rename it without tab, newline or non-UTF-8 bytes", name, relative
        )
        del found[relative]
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


def _fits_in_a_table(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return all(ord(char) >= 32 and ord(char) != 127 for char in text)

"""A video that a source offers, and the ids that it may get."""

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class ListedVideo:
    """A video that a source offers.

    Attributes:
        possible_ids: video ids in order of preference; the first that nobody has becomes its id.
        path: the file, or the folder of its frames; None for a video yet to be rendered, whose place
            follows from its shard.
    """

    possible_ids: Iterable[str]
    path: str | None


def by_id(source: str, videos: Mapping[str, Path]) -> list[ListedVideo]:
    """``videos`` by the ids that they should get, sorted by them."""
    fitting = without_unprintable(source, videos)
    return [ListedVideo(_own_ids(source, name), path.as_posix()) for name, path in sorted(fitting.items())]


def without_unprintable(source: str, videos: Mapping[str, Path]) -> dict[str, Path]:
    """``videos`` but those whose name a table of text cannot hold, which are told."""
    for name in videos:
        if not _fits_in_a_table(name):
            log.warning(
                "sources.%s: left out %a: rename it without tab, newline or non-UTF-8 bytes", source, name
            )
    return {name: path for name, path in videos.items() if _fits_in_a_table(name)}


def _own_ids(source: str, name: str) -> Iterator[str]:
    """The name, else behind the source's name, else numbered."""
    yield from (name, f"{source}/{name}")
    yield from (f"{source}/{name}~{number}" for number in itertools.count(2))


def _fits_in_a_table(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return all(ord(char) >= 32 and ord(char) != 127 for char in text)

"""Looking at many label files at once: what is in a folder, how the files are now, and work in threads."""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

log = logging.getLogger("simhand")

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOGGED_PARTS = 10
_LOGGED_FROM = 100


class FileState(NamedTuple):
    """Size and time of the last change."""

    bytes: int
    modified_ns: int


def file_state(path: Path) -> FileState:
    """The state of one file."""
    found = path.stat()
    return FileState(found.st_size, found.st_mtime_ns)


def list_folder(folder: Path) -> dict[str, FileState]:
    """The files of a folder by name; empty if there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: FileState(entry.stat().st_size, entry.stat().st_mtime_ns)
                for entry in entries
                if entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}


def in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], threads: int, what: str
) -> list[Result]:
    """``work`` of each item, in order; of many items it says every tenth of the way how far it is."""
    results = []
    step = max(len(items) // _LOGGED_PARTS, 1)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for done, result in enumerate(pool.map(work, items), start=1):
            results.append(result)
            if done % step == 0 and len(items) >= _LOGGED_FROM:
                log.info("%s: %d of %d", what, done, len(items))
    return results

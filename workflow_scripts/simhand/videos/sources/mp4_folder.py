"""What the published data sets share: a folder of ``<id>.mp4``, and a list of what should be in it."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

from simhand.errors import DataError
from simhand.videos.sources.folder import VIDEO_SUFFIXES

SHOWN = 5

log = logging.getLogger("simhand")


def mp4_files(name: str, folder: Path) -> dict[str, Path]:
    """The ``<id>.mp4`` directly in ``folder``, by id; hidden files (``._id.mp4``) are left out.

    Raises:
        DataError: there are none.
    """
    files = [path for path in folder.iterdir() if path.name[0] != "."]
    found = {path.stem: path for path in files if path.suffix == ".mp4"}
    if not found:
        raise DataError(
            f"sources.{name}.path: expected videos named <id>.mp4 in {folder.absolute()}, "
            f"found {what_is_in(folder)}; use `kind: folder` for other videos"
        )
    others = sorted(path.name for path in files if path.suffix.lower() in VIDEO_SUFFIXES)
    others = [other for other in others if not other.endswith(".mp4")]
    if others:
        told = (name, len(others), some(others))
        log.warning("sources.%s: %d videos that are not .mp4 are left out: %s", *told)
    return found


def tell_differences(name: str, found: Collection[str], named: Collection[str], by: Path) -> None:
    """Log which videos ``by`` names and are not on disk, and which it does not name and are."""
    missing, unnamed = sorted(set(named) - set(found)), sorted(set(found) - set(named))
    if missing:
        counts = f"{len(missing)} of {len(set(named))} videos"
        log.warning("sources.%s: %s that %s names are not on disk: %s", name, counts, by, some(missing))
        log.debug("sources.%s: not on disk: %s", name, " ".join(missing))
    if unnamed:
        counts = f"{len(unnamed)} videos"
        log.warning("sources.%s: %s are taken that %s does not name: %s", name, counts, by, some(unnamed))


def what_is_in(folder: Path) -> str:
    """A few names in ``folder``, for an error message."""
    if not folder.is_dir():
        return "no such folder"
    names = sorted(path.name for path in folder.iterdir())
    return some(names) if names else "an empty folder"


def some(names: Iterable[str]) -> str:
    """The first of ``names``, for a message."""
    names = list(names)
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")

"""The history of a training: JSON lines, one per some steps and one per epoch, or whatever else there is."""

import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from simhand.files.disk_space import explained_errors

TIMED = ("views_per_s", "images_per_s", "data_wait", "seconds")
"""The fields that tell of time; all others are the same to the bit when a training is repeated."""

log = logging.getLogger("simhand")


class History:
    """Appends each line as it comes, so that a training can be watched, and looked into where it failed.

    Args:
        path: the file.
        kept_bytes: what comes after is of steps that are taken once more, and is removed.
    """

    def __init__(self, path: Path, kept_bytes: int) -> None:
        self._path = path
        with explained_errors(path):
            self._file = path.open("ab")
        if (found := self._file.tell()) < kept_bytes:
            log.warning("%s has lost its end: %d bytes of %d are left", path, found, kept_bytes)
        self._file.truncate(min(found, kept_bytes))

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        with explained_errors(self._path):
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()

    def size_bytes(self) -> int:
        """How long the file is; all of that is on the disk."""
        with explained_errors(self._path):
            os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

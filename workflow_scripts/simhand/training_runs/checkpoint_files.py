"""The checkpoints of a training: the newest and the one before it."""

import io
import logging
import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import torch

from simhand.errors import DataError
from simhand.files.atomic import remove, write_bytes

KEPT = 2

Checkpoint = dict[str, Any]

log = logging.getLogger("simhand")


class CheckpointFiles:
    """The files ``step-<step>.pt`` in a folder that one process at a time writes to.

    A file appears whole or not at all, and the one before stays until then. The archive's checksums tell
    a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved_at = time.monotonic()

    def is_due(self, minutes: float) -> bool:
        """Whether the last checkpoint, or the start, is so long ago."""
        return time.monotonic() - self._saved_at >= 60 * minutes

    def save(self, step: int, content: Checkpoint) -> None:
        """Write a checkpoint of tensors, numbers, texts, lists and dicts, and remove the older ones.

        Raises:
            DiskFullError: there is no room; those that were there still are.
        """
        # written from memory, as torch would replace the system's error by one of its own
        buffer = io.BytesIO()
        torch.save(content, buffer)
        write_bytes(self._path(step), buffer.getbuffer())
        self._saved_at = time.monotonic()
        self.forget_older(KEPT)

    def forget_older(self, kept: int) -> None:
        """Remove all checkpoints but the newest so many."""
        for step in self.steps()[kept:]:
            remove(self._path(step))

    def steps(self) -> list[int]:
        """The steps of the checkpoints, the newest first."""
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        found = [re.fullmatch(r"step-(\d+)\.pt", name) for name in names]
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def newest(self) -> tuple[int, Checkpoint] | None:
        """Step and content of the newest checkpoint that is whole, None if there is none at all.

        A damaged one is said to be so, and removed if the one before it is whole.

        Raises:
            DataError: there are checkpoints and all are damaged.
        """
        damaged: dict[int, str] = {}
        for step in self.steps():
            try:
                content = self.read(step)
            except DataError as error:
                damaged[step] = str(error)
                continue
            for other, problem in damaged.items():
                log.warning("%s; the one before it, of step %d, is used", problem, step)
                remove(self._path(other))
            return step, content
        if damaged:
            raise DataError(
                f"no checkpoint is left to continue from: {'; '.join(damaged.values())}. Restore one from a "
                f"backup, or delete {self._folder} to train from the beginning"
            )
        return None

    def read(self, step: int) -> Checkpoint:
        """The content of the checkpoint of ``step``, on the CPU.

        Raises:
            DataError: it is damaged.
        """
        path = self._path(step)
        try:
            with zipfile.ZipFile(path) as archive:
                wrong = archive.testzip()
            if wrong is not None:
                raise ValueError(f"{wrong} has another checksum than it was written with")
            content: Checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # what torch raises on a damaged archive depends on the damage
            raise DataError(f"{path} is damaged ({error})") from error
        return content

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:09d}.pt"

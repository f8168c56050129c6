"""The history of a training for TensorBoard."""

import os
import time
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar

from simhand.files.disk_space import explained_errors

PLACE = ("kind", "epoch", "step")


class Scalars:
    """Writes the numbers of history lines; what an ended job wrote of later steps is hidden.

    Written here and now: tensorboardX's usual writer has a thread, which a full disk kills unseen.

    Args:
        folder: for the files, one for each job that takes part.
        step: the steps taken so far.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        with explained_errors(folder):
            folder.mkdir(exist_ok=True)
            self._writer = EventsWriter(str(folder / "events"), filename_suffix=f".{os.getpid()}")
            self._event(step + 1, session_log=SessionLog(status=SessionLog.START))

    def write(self, line: dict[str, Any]) -> None:
        """Write the numbers of a history line, each called after its kind and name."""
        with explained_errors(self._folder):
            for name, value in line.items():
                if name not in PLACE:
                    self._event(line["step"], summary=scalar(f"{line['kind']}/{name}", value))
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _event(self, step: int, **content: Any) -> None:
        self._writer.write_event(Event(wall_time=time.time(), step=step, **content))

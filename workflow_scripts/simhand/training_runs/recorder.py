"""Where a training tells how it goes: its history, TensorBoard, and progress."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simhand.training_runs.history import History
from simhand.training_runs.progress import Progress
from simhand.training_runs.scalars import Scalars


class RunRecorder:
    """Records a training that goes on from a step; each kind of training adds what its lines say.

    Args:
        history: the file of lines, and ``history_bytes`` of it that are of steps taken so far.
        history_bytes: see there.
        tensorboard: folder for TensorBoard; None writes nothing there.
        step: the steps taken so far, of ``total_steps``.
        total_steps: see there.
    """

    def __init__(
        self, history: Path, history_bytes: int, tensorboard: Path | None, step: int, total_steps: int
    ) -> None:
        self._history = History(history, history_bytes)
        self._scalars = Scalars(tensorboard, step) if tensorboard is not None else None
        self.progress = Progress(total_steps, step)

    def write(self, line: dict[str, Any]) -> None:
        """Add a line to the history, and its numbers to TensorBoard."""
        self._history.write(line)
        if self._scalars is not None:
            self._scalars.write(line)

    def history_bytes(self) -> int:
        """How long the history is."""
        return self._history.size_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._history.__exit__(kind, error, trace)
        self.progress.close()
        if self._scalars is not None:
            self._scalars.close()

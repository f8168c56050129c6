"""All that tells how a training goes: its history, TensorBoard, and progress."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Any

from simhand.pretraining.embedding_quality import alignment, uniformity
from simhand.pretraining.meter import Meter
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.training import Training
from simhand.training_runs.history import History
from simhand.training_runs.progress import Progress
from simhand.training_runs.scalars import Scalars

log = logging.getLogger("simhand")


class Recorder:
    """Records a training that goes on from ``training.step``, in the folder of its run."""

    def __init__(self, training: Training, history: Path, tensorboard: Path, total_steps: int) -> None:
        self._training = training
        self._history = History(history, training.history_bytes)
        self._progress = Progress(total_steps, training.step)
        self._scalars = Scalars(tensorboard, training.step) if training.settings.tensorboard else None

    def step(self, epoch: int, learning_rate: float, contrast: Contrast, views: int) -> None:
        """A step of ``views`` views per hand was taken, which may end those that a line is written about."""
        self._progress.step()
        if self._training.step % self._training.settings.log_every_steps == 0:
            meter = self._training.of_steps
            line = self._line("step", epoch, learning_rate, meter, contrast, views)
            self._progress.tell(self._training.step, _summary(line), meter.seconds / meter.steps)
            self._training.of_steps = Meter()

    def epoch(self, epoch: int, learning_rate: float, contrast: Contrast, views: int) -> dict[str, Any]:
        """The epoch is over; returns its line."""
        line = self._line("epoch", epoch, learning_rate, self._training.of_epoch, contrast, views)
        self._progress.tell_epoch(epoch + 1, self._training.settings.epochs, _summary(line))
        return line

    def probe(self, epochs: int, found: dict[str, float]) -> None:
        """What the probe has found after so many epochs."""
        self._write({"kind": "probe", "epoch": epochs, "step": self._training.step, **found})
        log.info(
            "after %d epochs: retrieval error %.3f (0 is best, 1 is chance), found in %.1f s",
            epochs,
            found["retrieval_error"],
            found["seconds"],
        )

    def history_bytes(self) -> int:
        """How long the history is."""
        return self._history.size_bytes()

    def _line(
        self, kind: str, epoch: int, learning_rate: float, meter: Meter, contrast: Contrast, views: int
    ) -> dict[str, Any]:
        line = {
            "kind": kind,
            "epoch": epoch,
            "step": self._training.step,
            "learning_rate": learning_rate,
            **meter.read(),
            "alignment": alignment(contrast.embeddings, views),
            "uniformity": uniformity(contrast.embeddings),
        }
        self._write(line)
        return line

    def _write(self, line: dict[str, Any]) -> None:
        self._history.write(line)
        if self._scalars is not None:
            self._scalars.write(line)

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._history.__exit__(kind, error, trace)
        self._progress.close()
        if self._scalars is not None:
            self._scalars.close()


def _summary(line: dict[str, Any]) -> str:
    return (
        f"loss {line['loss']:.4f}, {line['views_per_s']:.0f} images/s, "
        f"data wait {100 * line['data_wait']:.1f} %, alignment {line['alignment']:.3f}, "
        f"uniformity {line['uniformity']:.3f}, learning rate {line['learning_rate']:.3g}"
    )

"""All that tells how a fine-tuning goes: its history, TensorBoard, and progress."""

from pathlib import Path
from types import TracebackType
from typing import Any

from simhand.finetuning.meter import Meter
from simhand.finetuning.training import Training
from simhand.training_runs.history import History
from simhand.training_runs.progress import Progress
from simhand.training_runs.scalars import Scalars


class Recorder:
    """Records a training that goes on from ``training.step``, in the folder of its run."""

    def __init__(self, training: Training, history: Path, tensorboard: Path, total_steps: int) -> None:
        self._training = training
        self._history = History(history, training.history_bytes)
        self._progress = Progress(total_steps, training.step)
        self._scalars = Scalars(tensorboard, training.step) if training.settings.tensorboard else None

    def step(self, learning_rate: float) -> None:
        """A step was taken, which may end those that a line is written about."""
        self._progress.step()
        if self._training.step % self._training.settings.log_every_steps == 0:
            meter = self._training.of_steps
            line = self._line("step", learning_rate, meter)
            self._write(line)
            self._progress.tell(self._training.step, _summary(line), meter.seconds / meter.steps)
            self._training.of_steps = Meter()

    def epoch(self, learning_rate: float, error_mm: float | None) -> dict[str, Any]:
        """The epoch is over; returns its line, which holds the error of the network if it was judged."""
        meter = self._training.of_epoch
        line = self._line("epoch", learning_rate, meter) | {"seconds": round(meter.seconds, 3)}
        if error_mm is not None:
            line["error_mm"] = error_mm
        self._write(line)
        self._progress.tell_epoch(line["epoch"], self._training.settings.epochs, _summary(line))
        return line

    def history_bytes(self) -> int:
        """How long the history is."""
        return self._history.size_bytes()

    def _line(self, kind: str, learning_rate: float, meter: Meter) -> dict[str, Any]:
        return {
            "kind": kind,
            "epoch": self._training.epochs_ended + 1,
            "step": self._training.step,
            "learning_rate": learning_rate,
            **meter.read(),
        }

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
    error = f", error {line['error_mm']:.1f} mm" if "error_mm" in line else ""
    return (
        f"loss {line['loss']:.4f} (heat {line['loss_heat']:.4f}, delta {line['loss_delta']:.3f}, location "
        f"{line['loss_location']:.3f}){error}, {line['images_per_s']:.0f} images/s, "
        f"data wait {100 * line['data_wait']:.1f} %, learning rate {line['learning_rate']:.3g}"
    )

"""All that tells how a fine-tuning goes: its history, TensorBoard, and progress."""

from pathlib import Path
from typing import Any

from simhand.finetuning.training import Training
from simhand.training_runs.meter import Meter
from simhand.training_runs.recorder import RunRecorder


class Recorder(RunRecorder):
    """Records a training that goes on from ``training.step``, in the folder of its run."""

    def __init__(self, training: Training, history: Path, tensorboard: Path, total_steps: int) -> None:
        chosen = tensorboard if training.settings.tensorboard else None
        super().__init__(history, training.history_bytes, chosen, training.step, total_steps)
        self._training = training

    def step(self, learning_rate: float) -> None:
        """A step was taken, which may end those that a line is written about."""
        self.progress.step()
        if self._training.step % self._training.settings.log_every_steps == 0:
            meter = self._training.of_steps
            line = self._line("step", learning_rate, meter)
            self.write(line)
            self.progress.tell(self._training.step, _summary(line), meter.seconds / meter.steps)
            self._training.of_steps = Meter()

    def epoch(self, learning_rate: float, error_mm: float | None) -> dict[str, Any]:
        """The epoch is over; returns its line, which holds the error of the model if it was validated."""
        meter = self._training.of_epoch
        line = self._line("epoch", learning_rate, meter) | {"seconds": round(meter.seconds, 3)}
        if error_mm is not None:
            line["error_mm"] = error_mm
        self.write(line)
        self.progress.tell_epoch(line["epoch"], self._training.settings.epochs, _summary(line))
        return line

    def _line(self, kind: str, learning_rate: float, meter: Meter) -> dict[str, Any]:
        return {
            "kind": kind,
            "epoch": self._training.epochs_ended + 1,
            "step": self._training.step,
            "learning_rate": learning_rate,
            **meter.read("images"),
        }


def _summary(line: dict[str, Any]) -> str:
    error = f", error {line['error_mm']:.1f} mm" if "error_mm" in line else ""
    return (
        f"loss {line['loss']:.4f} (heat {line['loss_heat']:.4f}, delta {line['loss_delta']:.3f}, location "
        f"{line['loss_location']:.3f}){error}, {line['images_per_s']:.0f} images/s, "
        f"data wait {100 * line['data_wait']:.1f} %, learning rate {line['learning_rate']:.3g}"
    )

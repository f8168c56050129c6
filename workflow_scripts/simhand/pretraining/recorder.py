"""All that tells how a training goes: its history, TensorBoard, and progress."""

import logging
from pathlib import Path
from typing import Any

from simhand.pretraining.embedding_quality import alignment, uniformity
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.training import Training
from simhand.training_runs.meter import Meter
from simhand.training_runs.recorder import RunRecorder

log = logging.getLogger("simhand")


class Recorder(RunRecorder):
    """Records a training that goes on from ``training.step``, in the folder of its run."""

    def __init__(self, training: Training, history: Path, tensorboard: Path, total_steps: int) -> None:
        chosen = tensorboard if training.settings.tensorboard else None
        super().__init__(history, training.history_bytes, chosen, training.step, total_steps)
        self._training = training

    def step(self, epoch: int, learning_rate: float, contrast: Contrast, views: int) -> None:
        """A step of ``epoch``, from 1, was taken, which may end those that a line is written about.

        ``views`` is how many views of each hand there are.
        """
        self.progress.step()
        if self._training.step % self._training.settings.log_every_steps == 0:
            meter = self._training.of_steps
            line = self._line("step", epoch, learning_rate, meter, contrast, views)
            self.progress.tell(self._training.step, _summary(line), meter.seconds / meter.steps)
            self._training.of_steps = Meter()

    def epoch(self, epoch: int, learning_rate: float, contrast: Contrast, views: int) -> None:
        """Epoch ``epoch``, from 1, is over."""
        line = self._line("epoch", epoch, learning_rate, self._training.of_epoch, contrast, views)
        self.progress.tell_epoch(epoch, self._training.settings.epochs, _summary(line))

    def probe(self, epochs: int, found: dict[str, float]) -> None:
        """What the probe has found after so many epochs."""
        self.write({"kind": "probe", "epoch": epochs, "step": self._training.step, **found})
        log.info(
            "after %d epochs: retrieval error %.3f (0 is best, 1 is chance), found in %.1f s",
            epochs,
            found["retrieval_error"],
            found["seconds"],
        )

    def _line(
        self, kind: str, epoch: int, learning_rate: float, meter: Meter, contrast: Contrast, views: int
    ) -> dict[str, Any]:
        line = {
            "kind": kind,
            "epoch": epoch,
            "step": self._training.step,
            "learning_rate": learning_rate,
            **meter.read("views"),
            "alignment": alignment(contrast.embeddings, views),
            "uniformity": uniformity(contrast.embeddings),
        }
        self.write(line)
        return line


def _summary(line: dict[str, Any]) -> str:
    return (
        f"loss {line['loss']:.4f}, {line['views_per_s']:.0f} views/s, "
        f"data wait {100 * line['data_wait']:.1f} %, alignment {line['alignment']:.3f}, "
        f"uniformity {line['uniformity']:.3f}, learning rate {line['learning_rate']:.3g}"
    )

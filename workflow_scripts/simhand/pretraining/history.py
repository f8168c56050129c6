"""The training history: JSON lines, one per some steps and one per epoch, and lines in the log."""

import json
import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from simhand.pretraining.embedding_quality import alignment, uniformity
from simhand.pretraining.methods.method import Contrast

log = logging.getLogger("simhand")


class Meter:
    """Loss and speed over some steps, and the share of the time spent waiting for data."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._waited_s = 0.0
        self._loss = 0.0
        self._steps = 0
        self.views = 0

    def add(self, contrast: Contrast, waited_s: float) -> None:
        """Count one step, before which ``waited_s`` were spent waiting for its batch."""
        self._waited_s += waited_s
        self._loss += contrast.loss.item()
        self._steps += 1
        self.views += len(contrast.embeddings)

    @property
    def mean_loss(self) -> float:
        """Mean loss of the steps."""
        return self._loss / self._steps

    def read(self) -> dict[str, float]:
        """Mean loss, views per second and share of waiting since the meter was made."""
        seconds = time.perf_counter() - self._started
        return {
            "loss": self.mean_loss,
            "views_per_s": round(self.views / seconds, 2),
            "data_wait": round(self._waited_s / seconds, 4),
        }


class History:
    """Writes each line as it comes, so that a training can be watched, and looked into where it failed."""

    def __init__(self, path: Path, epochs: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._epochs = epochs

    def step(self, epoch: int, step: int, learning_rate: float, meter: Meter, embeddings: Tensor) -> None:
        """A line about the steps of ``meter``, the last of them being ``step``."""
        self._write("step", epoch, step, learning_rate, meter, embeddings)

    def epoch(self, epoch: int, step: int, learning_rate: float, meter: Meter, embeddings: Tensor) -> None:
        """A line about ``epoch``, in the log too."""
        line = self._write("epoch", epoch, step, learning_rate, meter, embeddings)
        log.info(
            "epoch %d of %d: loss %.4f, %.0f views/s, data wait %.1f %%, alignment %.3f, uniformity %.3f",
            epoch + 1,
            self._epochs,
            line["loss"],
            line["views_per_s"],
            100 * line["data_wait"],
            line["alignment"],
            line["uniformity"],
        )

    def _write(
        self, kind: str, epoch: int, step: int, learning_rate: float, meter: Meter, embeddings: Tensor
    ) -> dict[str, Any]:
        line = {
            "kind": kind,
            "epoch": epoch,
            "step": step,
            "learning_rate": learning_rate,
            **meter.read(),
            "alignment": alignment(embeddings),
            "uniformity": uniformity(embeddings),
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        return line

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

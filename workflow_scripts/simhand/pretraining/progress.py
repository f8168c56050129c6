"""How far a training is, for whoever watches: a bar on a terminal, else a line in the log each minute."""

import logging
import sys
import time
from datetime import timedelta
from typing import Any

from tqdm import tqdm

LOG_EVERY_S = 60.0

log = logging.getLogger("simhand")


class Progress:
    """Progress towards ``total`` steps, of which ``done`` were taken before."""

    def __init__(self, total: int, done: int) -> None:
        self._total = total
        self._bar = tqdm(total=total, initial=done, unit="step", disable=not sys.stderr.isatty())
        self._told_at = time.monotonic()

    def step(self) -> None:
        """One step has been taken."""
        self._bar.update()

    def tell(self, line: dict[str, Any], step_s: float) -> None:
        """Say what a history line says, and how long the rest takes at ``step_s`` seconds per step."""
        self._bar.set_postfix_str(_summary(line))
        if self._bar.disable and time.monotonic() - self._told_at >= LOG_EVERY_S:
            self._told_at = time.monotonic()
            left = timedelta(seconds=round((self._total - line["step"]) * step_s))
            log.info("step %d of %d: %s, %s left", line["step"], self._total, _summary(line), left)

    def tell_epoch(self, line: dict[str, Any], epochs: int) -> None:
        """Say in the log what the line of an epoch says."""
        log.info("epoch %d of %d: %s", line["epoch"] + 1, epochs, _summary(line))

    def close(self) -> None:
        """Leave the terminal as it is."""
        self._bar.close()


def _summary(line: dict[str, Any]) -> str:
    return (
        f"loss {line['loss']:.4f}, {line['views_per_s']:.0f} images/s, "
        f"data wait {100 * line['data_wait']:.1f} %, alignment {line['alignment']:.3f}, "
        f"uniformity {line['uniformity']:.3f}, learning rate {line['learning_rate']:.3g}"
    )

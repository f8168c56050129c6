"""How far a training is, for whoever watches: a bar on a terminal, else a line in the log each minute."""

import logging
import sys
import time
from datetime import timedelta

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

    def tell(self, step: int, summary: str, step_s: float) -> None:
        """Say how it goes after ``step`` steps, and how long the rest takes at ``step_s`` seconds each."""
        self._bar.set_postfix_str(summary)
        if self._bar.disable and time.monotonic() - self._told_at >= LOG_EVERY_S:
            self._told_at = time.monotonic()
            left = timedelta(seconds=round((self._total - step) * step_s))
            log.info("step %d of %d: %s, %s left", step, self._total, summary, left)

    def tell_epoch(self, number: int, epochs: int, summary: str) -> None:
        """Say in the log how epoch ``number``, counted from 1, went."""
        log.info("epoch %d of %d: %s", number, epochs, summary)

    def close(self) -> None:
        """Leave the terminal as it is."""
        self._bar.close()

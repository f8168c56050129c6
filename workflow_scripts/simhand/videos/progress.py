"""Progress of a shard: a bar on a terminal, a line in the log now and then."""

import logging
import sys
import time
from types import TracebackType

from tqdm import tqdm

LOG_EVERY_S = 30.0

log = logging.getLogger("simhand")


class Progress:
    """Counts what is done of ``total`` and says so, with what was found, its rate and the time left."""

    def __init__(self, total: int, unit: str, found: str) -> None:
        self._total, self._unit, self._found_unit = total, unit, found
        self._started = self._logged = time.monotonic()
        self._done = self._found = 0
        self._bar = tqdm(total=total, unit=unit, disable=not sys.stderr.isatty())

    def advance(self, done: int, found: int) -> None:
        """Add ``done`` to what is done and ``found`` to what was found."""
        self._done, self._found = self._done + done, self._found + found
        self._bar.update(done)
        now = time.monotonic()
        if now - self._logged > LOG_EVERY_S or self._done == self._total:
            self._logged = now
            self._log(now - self._started)

    def _log(self, elapsed_s: float) -> None:
        rate = self._done / max(elapsed_s, 1e-9)
        log.info(
            "%d of %d %s, %d %s, %.3g %s/s, %.0f s left",
            *(self._done, self._total, self._unit, self._found, self._found_unit),
            *(rate, self._unit, (self._total - self._done) / rate),
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

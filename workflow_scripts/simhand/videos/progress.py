"""Progress of a shard: a bar on a terminal, a line in the log now and then."""

import logging
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tqdm import tqdm

LOG_EVERY_S = 30.0

log = logging.getLogger("simhand")


class Progress:
    """Counts what is done, and says so with rates and the time left.

    What an earlier job has done counts as done, but neither for a rate nor for the time left.
    """

    def __init__(self, totals: Mapping[str, float | None], before: Mapping[str, float] | None = None) -> None:
        """Start counting.

        Args:
            totals: what is counted, by its unit, and how many there are if that is known; the time left
                is told by the first.
            before: what was done before.
        """
        self._totals = totals
        self._before = {unit: (before or {}).get(unit, 0) for unit in totals}
        self._done = dict.fromkeys(totals, 0.0)
        self._work = next(iter(totals))
        self._started = self._logged = time.monotonic()
        self._bar = tqdm(
            total=self._totals[self._work],
            initial=self._before[self._work],
            bar_format="{percentage:3.0f} % |{bar:20}| {desc}",
            disable=not sys.stderr.isatty(),
        )

    def advance(self, done: Mapping[str, float]) -> None:
        """Add to what is done, by unit."""
        for unit, count in done.items():
            self._done[unit] += count
        self._bar.set_description_str(self._told(), refresh=False)
        self._bar.update(done.get(self._work, 0))
        now = time.monotonic()
        if now - self._logged > LOG_EVERY_S:
            self._logged = now
            log.info("%s", self._told())

    def _told(self) -> str:
        elapsed_s = max(time.monotonic() - self._started, 1e-9)
        counts, rates = [], []
        for unit, total in self._totals.items():
            done = _short(self._before[unit] + self._done[unit])
            counts.append(f"{done} of {_short(total)} {unit}" if total is not None else f"{done} {unit}")
            rates.append(f"{self._done[unit] / elapsed_s:.3g} {unit}/s")
        return f"{', '.join(counts)}; {', '.join(rates)}; {self._left(elapsed_s)}"

    def _left(self, elapsed_s: float) -> str:
        done, total = self._done[self._work], self._totals[self._work]
        if not done or total is None:
            return "time left unknown"
        left = (total - self._before[self._work] - done) * elapsed_s / done
        return f"{left:.0f} s left"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        log.info("%s", self._told())


def _short(count: float) -> str:
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.3g}"

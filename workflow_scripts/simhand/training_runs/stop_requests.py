"""Being told to stop: a signal is noted, and the training ends at the next step, saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""SLURM's preemption and time limit, its early warning (``--signal=TERM@120``), and Ctrl-C."""


@dataclass
class StopRequest:
    """The first signal that came, if any."""

    signal_name: str | None = None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note the signals that ask to stop while the block runs; a second Ctrl-C ends at once."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if request.signal_name is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.signal_name = request.signal_name or signal.Signals(number).name

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

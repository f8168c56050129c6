"""What a command costs: its wall time, its processor time, and the memory of its largest process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

POLL_S = 0.05


@dataclass
class Cost:
    """What a process and its children took; ``peak_mb`` of the largest child, or of itself without any."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def measured(command: list[str], cores: int) -> Cost:
    """Run ``command`` on the first ``cores`` cores; it must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, preexec_fn=partial(os.sched_setaffinity, 0, range(cores)))
    own_peak = child_peak = 0.0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        own_peak = max(own_peak, peak_mb(process.pid))
        child_peak = max([child_peak, *map(peak_mb, descendants(process.pid))])
        time.sleep(POLL_S)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, child_peak or own_peak)


def descendants(pid: int) -> Iterator[int]:
    """Processes below ``pid``; none if it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def peak_mb(pid: int) -> float:
    """Largest resident memory of a process so far; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) / 1024 if lines else 0.0

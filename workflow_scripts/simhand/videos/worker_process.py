"""The inside of a worker process: it answers tasks until its parent hangs up or ends."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from simhand.errors import ConfigError, DiskFullError, SimhandError

Value = TypeVar("Value")

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of a task: its ``value``, or the reason why there is none in ``failure``.

    With ``stop`` set the reason is no matter of the task, and nothing can go on.
    """

    value: Value | None = None
    failure: str = ""
    stop: SimhandError | None = None


def serve(
    connection: Connection,
    make_function: Callable[[], Callable[[Any], Any]],
    parent: int,
    memory_bytes: int | None,
) -> None:
    """Set up, say so, then answer one task after the other.

    Args:
        connection: to the pool in process ``parent``.
        make_function: gives what does a task.
        parent: the worker ends when this process does, at once on Linux, else after its task.
        memory_bytes: what the worker may take; more is a MemoryError, if not worse.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    if os.getppid() != parent:
        return
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    try:
        function = make_function()
    except Exception as error:
        connection.send(_failed(error, stop=SimhandError))
        return
    try:
        connection.send(Outcome())
        while True:
            connection.send(_attempt(function, connection.recv()))
    except (EOFError, BrokenPipeError):
        return


def end_with_parent() -> None:
    """On Linux: let the system kill this process when the thread that started it ends, however that ends."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _attempt(function: Callable[[Any], Any], task: Any) -> Outcome[Any]:
    try:
        return Outcome(function(task))
    except Exception as error:
        return _failed(error, stop=(ConfigError, DiskFullError))


def _failed(error: Exception, stop: type[SimhandError] | tuple[type[SimhandError], ...]) -> Outcome[Any]:
    stopping = error if isinstance(error, stop) else None
    return Outcome(failure=f"{type(error).__name__}: {error}", stop=stopping)

"""Worker processes that neither a crash nor a hang of one task can stop.

``concurrent.futures`` ends the whole pool when a worker dies and cannot stop one that hangs; a
decoder fed with broken files does both.
"""

import contextlib
import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Value = TypeVar("Value")

LOOK_AHEAD = 4
STARTING = -1


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of a task: its ``value``, or the reason why there is none in ``failure``."""

    value: Value | None = None
    failure: str = ""


def map_in_order(
    make_function: Callable[[], Callable[[Task], Value]],
    tasks: Sequence[Task],
    workers: int,
    timeout_s: Callable[[Task], float],
) -> Iterator[Outcome[Value]]:
    """Do ``tasks`` in ``workers`` processes and give their outcomes in the order of the tasks.

    A task that raises, takes longer than its ``timeout_s`` or kills its worker gives a failure, and a
    new worker takes over. At most ``LOOK_AHEAD`` outcomes per worker wait to be taken.

    Args:
        make_function: picklable; called once in each worker, for what is slow to set up.
        tasks: picklable.
        workers: number of processes; never more than tasks.
        timeout_s: wall-clock limit of a task, without the setting up.

    Raises:
        RuntimeError: ``make_function`` failed, which is no task's fault.
    """
    pool = [_Worker(make_function) for _ in range(min(workers, len(tasks)))]
    outcomes: dict[int, Outcome[Value]] = {}
    next_task = 0
    try:
        for wanted in range(len(tasks)):
            while wanted not in outcomes:
                for worker in pool:
                    if worker.doing is None and next_task < min(len(tasks), wanted + LOOK_AHEAD * len(pool)):
                        worker.give(next_task, tasks[next_task], timeout_s(tasks[next_task]))
                        next_task += 1
                outcomes.update(_collect(pool))
            yield outcomes.pop(wanted)
    finally:
        for worker in pool:
            worker.stop()


class _Worker:
    """One process; ``doing`` is the number of its task, ``STARTING``, or None while it is idle."""

    def __init__(self, make_function: Callable[[], Callable[[Any], Any]]) -> None:
        self._make_function = make_function
        self.start()

    def start(self) -> None:
        # spawn: a fork would inherit the thread pools of Arrow and OpenCV in whatever state they are
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self._make_function), daemon=True)
        self.process.start()
        theirs.close()
        self.doing: int | None = STARTING
        self.limit_s = self.deadline = math.inf

    def give(self, number: int, task: Any, limit_s: float) -> None:
        self.doing, self.limit_s = number, limit_s
        self.deadline = time.monotonic() + limit_s
        # a worker that died while idle breaks the pipe; take() then finds it dead
        with contextlib.suppress(OSError):
            self.connection.send(task)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def take(self) -> Outcome[Any]:
        """The outcome that waits in the connection; a worker that died is replaced."""
        try:
            outcome: Outcome[Any] = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            failure = f"the worker process died ({_cause(self.process.exitcode)})"
            self.stop()
            if self.doing != STARTING:
                self.start()
            return Outcome(failure=failure)
        self.deadline = math.inf
        return outcome

    def give_up(self) -> Outcome[Any]:
        """Replace the worker, whose task took too long."""
        failure = f"took longer than {self.limit_s:g} s"
        self.stop()
        self.start()
        return Outcome(failure=failure)


def _collect(pool: list[_Worker]) -> dict[int, Outcome[Any]]:
    """Wait until a worker has something to say or has used up its time."""
    busy = [worker for worker in pool if worker.doing is not None]
    earliest = min(worker.deadline for worker in busy)
    limit = None if earliest == math.inf else max(0.0, earliest - time.monotonic())
    speaking = wait([worker.connection for worker in busy], limit)
    outcomes = {}
    for worker in busy:
        number, due = worker.doing, time.monotonic() >= worker.deadline
        if worker.connection in speaking:
            outcome = worker.take()
        elif due:
            outcome = worker.give_up()
        else:
            continue
        if number == STARTING:
            if outcome.failure:
                raise RuntimeError(f"a worker process could not be set up: {outcome.failure}")
            worker.doing = None
        elif number is not None:
            outcomes[number] = outcome
            worker.doing = worker.doing if worker.doing == STARTING else None
    return outcomes


def _serve(connection: Connection, make_function: Callable[[], Callable[[Any], Any]]) -> None:
    """In the worker: set up, say so, then answer one task after the other until the pool hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        function = make_function()
        connection.send(Outcome())
        while True:
            task = connection.recv()
            connection.send(_attempt(function, task))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        connection.send(Outcome(failure=_describe(error)))


def _attempt(function: Callable[[Any], Any], task: Any) -> Outcome[Any]:
    try:
        return Outcome(function(task))
    except Exception as error:
        return Outcome(failure=_describe(error))


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"

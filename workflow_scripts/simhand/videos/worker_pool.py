"""Worker processes that neither a crash nor a hang of one task can stop.

``concurrent.futures`` ends the whole pool when a worker dies and cannot stop one that hangs; a
decoder fed with broken files does both.
"""

import contextlib
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Generic, Self, TypeVar

from simhand.videos.worker_process import Outcome, serve

Task = TypeVar("Task")
Value = TypeVar("Value")

LOOK_AHEAD = 4
STARTING = -1


@dataclass(frozen=True)
class Work(Generic[Task, Value]):
    """What a pool is to do.

    A task that raises, takes longer than its ``timeout_s`` or kills its worker gives a failure, and a
    new worker takes over. A DiskFullError or ConfigError is no task's fault and stops the pool.

    Attributes:
        make_function: picklable; called once in each worker, for what is slow to set up.
        tasks: picklable.
        workers: number of processes; never more than tasks.
        timeout_s: wall-clock limit of a task, without the setting up.
        memory_bytes: what a worker may take (``RLIMIT_DATA``); None for no limit.
    """

    make_function: Callable[[], Callable[[Task], Value]]
    tasks: Sequence[Task]
    workers: int
    timeout_s: Callable[[Task], float]
    memory_bytes: int | None = None


def map_in_order(work: Work[Task, Value]) -> Generator[Outcome[Value], None, None]:
    """The outcomes in the order of the tasks; at most ``LOOK_AHEAD`` per worker wait to be taken.

    Raises:
        RuntimeError: ``make_function`` failed, which is no task's fault.
        SimhandError: as ``make_function`` raised it, or a task for which nothing can go on.
    """
    outcomes: dict[int, Outcome[Value]] = {}
    with _Pool(work) as pool:
        for wanted in range(len(work.tasks)):
            while wanted not in outcomes:
                pool.hand_out(wanted + LOOK_AHEAD * work.workers)
                outcomes.update(pool.collect())
            yield outcomes.pop(wanted)


def map_as_done(work: Work[Task, Value]) -> Generator[tuple[Task, Outcome[Value]], None, None]:
    """The tasks and their outcomes as they come: none waits for another.

    Raises:
        RuntimeError: as :func:`map_in_order`.
        SimhandError: as :func:`map_in_order`.
    """
    done = 0
    with _Pool(work) as pool:
        while done < len(work.tasks):
            pool.hand_out(len(work.tasks))
            outcomes = pool.collect()
            done += len(outcomes)
            yield from ((work.tasks[number], outcome) for number, outcome in outcomes.items())


class _Pool:
    """The workers, and which task is the next."""

    def __init__(self, work: Work[Any, Any]) -> None:
        self._work = work
        self._next = 0
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        for _ in range(min(self._work.workers, len(self._work.tasks))):
            self._workers.append(_Worker(self._work))
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.stop()

    def hand_out(self, limit: int) -> None:
        """Give idle workers tasks whose number is below ``limit``."""
        for worker in self._workers:
            if worker.doing is None and self._next < min(limit, len(self._work.tasks)):
                worker.give(self._next, self._work.tasks[self._next])
                self._next += 1

    def collect(self) -> dict[int, Outcome[Any]]:
        """Wait until a worker has something to say or has used up its time; outcomes by task number."""
        busy = [worker for worker in self._workers if worker.doing is not None]
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
            if outcome.stop is not None:
                raise outcome.stop
            if number == STARTING:
                if outcome.failure:
                    raise RuntimeError(f"a worker process could not be set up: {outcome.failure}")
                worker.doing = None
            elif number is not None:
                outcomes[number] = outcome
                worker.doing = worker.doing if worker.doing == STARTING else None
        return outcomes


class _Worker:
    """One process; ``doing`` is the number of its task, ``STARTING``, or None while it is idle."""

    def __init__(self, work: Work[Any, Any]) -> None:
        self._work = work
        self.start()

    def start(self) -> None:
        # spawn: a fork would inherit the thread pools of Arrow and OpenCV in whatever state they are
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = (theirs, self._work.make_function, os.getpid(), self._work.memory_bytes)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.doing: int | None = STARTING
        self.limit_s = self.deadline = math.inf

    def give(self, number: int, task: Any) -> None:
        self.doing, self.limit_s = number, self._work.timeout_s(task)
        self.deadline = time.monotonic() + self.limit_s
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


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"

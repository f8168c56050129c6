"""Processes that crash, hang and raise, and the tasks around them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simhand.errors import DataError, DiskFullError
from simhand.videos.worker_pool import Work, map_as_done, map_in_order
from simhand.videos.worker_process import Outcome


def answer(task):
    if task == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "exit":
        os._exit(7)
    if task == "hang":
        time.sleep(600)
    if task == "pid":
        return os.getpid()
    if task == "raise":
        raise ValueError("no such luck")
    if isinstance(task, float):
        time.sleep(task)
    return task


def make_answer():
    return answer


def cannot_be_made():
    raise OSError("no model file")


def no_limit(task):
    return 60


def test_outcomes_come_in_the_order_of_the_tasks():
    tasks = [0.4, 0.0, 0.1, 0.0, "a", "b"]
    assert [outcome.value for outcome in map_in_order(Work(make_answer, tasks, 2, no_limit))] == tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_crash_hang_and_error_cost_one_task_each(workers):
    tasks = ["a", "crash", "b", "hang", "raise", "exit", "c"]
    started = time.monotonic()
    work = Work(make_answer, tasks, workers, lambda task: 0.5 if task == "hang" else 60)
    outcomes = list(map_in_order(work))
    assert [outcome.value for outcome in outcomes] == ["a", None, "b", None, None, None, "c"]
    assert [outcome.failure for outcome in outcomes] == [
        "",
        "the worker process died (SIGSEGV)",
        "",
        "took longer than 0.5 s",
        "ValueError: no such luck",
        "the worker process died (exit code 7)",
        "",
    ]
    assert time.monotonic() - started < 60


def test_no_more_than_a_few_outcomes_wait():
    asked = []

    class Tasks(list):
        def __getitem__(self, number):
            asked.append(number)
            return super().__getitem__(number)

    outcomes = map_in_order(Work(make_answer, Tasks(range(100)), 1, no_limit))
    assert next(outcomes) == Outcome(0)
    time.sleep(0.2)
    assert max(asked) < 8
    outcomes.close()


def test_setting_up_that_fails_is_no_failure_of_a_task():
    with pytest.raises(RuntimeError, match="OSError: no model file"):
        list(map_in_order(Work(cannot_be_made, [1, 2], 2, no_limit)))


def test_no_tasks_no_processes():
    assert list(map_in_order(Work(cannot_be_made, [], 4, no_limit))) == []


def test_outcomes_may_come_as_they_are_done():
    """The first task takes long; the others must not wait, however many they are."""
    tasks = ["hang", *range(20)]
    outcomes = map_as_done(Work(make_answer, tasks, 2, no_limit))
    assert [next(outcomes) for _ in range(20)] == [(task, Outcome(task)) for task in range(20)]
    outcomes.close()


def take_memory(task):
    return len(bytearray(task))


def make_take_memory():
    return take_memory


def test_memory_of_a_worker_is_bounded():
    tasks = [10**6, 4 * 10**9, 10**7]
    work = Work(make_take_memory, tasks, 1, no_limit, memory_bytes=10**9)
    outcomes = list(map_in_order(work))
    assert [outcome.value for outcome in outcomes] == [10**6, None, 10**7]
    assert outcomes[1].failure.startswith("MemoryError")


def fill_the_disk(task):
    if task == "full":
        raise DiskFullError("no room")
    return task


def make_fill_the_disk():
    return fill_the_disk


def cannot_find_the_weights():
    raise DataError("no weights at x.pth")


def test_what_is_no_fault_of_a_task_stops_all():
    done = []
    with pytest.raises(DiskFullError, match="no room"):
        for outcome in map_in_order(Work(make_fill_the_disk, ["a", "full", *"bcdefghijk"], 1, no_limit)):
            done.append(outcome.value)
    assert done == ["a"]
    with pytest.raises(DataError, match="^no weights at x.pth$"):
        list(map_in_order(Work(cannot_find_the_weights, [1], 1, no_limit)))


ORPHAN = """
import os, sys, time
sys.path[:0] = [{tests!r}, {library!r}]
from test_worker_pool import make_answer, no_limit
from simhand.videos.worker_pool import Work, map_as_done

if __name__ == "__main__":
    outcomes = map_as_done(Work(make_answer, ["pid", "hang"], 1, no_limit))
    print(next(outcomes)[1].value, flush=True)
    next(outcomes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends after its task")
def test_workers_of_a_killed_parent_end(repository, tmp_path):
    script = tmp_path / "parent.py"
    places = {"tests": str(repository / "tests" / "videos"), "library": str(repository / "workflow_scripts")}
    script.write_text(ORPHAN.format(**places))
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while not has_ended(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert has_ended(worker)
    parent.stdout.close()


def has_ended(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True

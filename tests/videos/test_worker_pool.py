"""Processes that crash, hang and raise, and the tasks around them."""

import os
import signal
import time

import pytest

from simhand.videos.worker_pool import Outcome, map_in_order


def answer(task):
    if task == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "exit":
        os._exit(7)
    if task == "hang":
        time.sleep(600)
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
    assert [outcome.value for outcome in map_in_order(make_answer, tasks, 2, no_limit)] == tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_crash_hang_and_error_cost_one_task_each(workers):
    tasks = ["a", "crash", "b", "hang", "raise", "exit", "c"]
    started = time.monotonic()
    outcomes = list(map_in_order(make_answer, tasks, workers, lambda task: 0.5 if task == "hang" else 60))
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

    outcomes = map_in_order(make_answer, Tasks(range(100)), 1, no_limit)
    assert next(outcomes) == Outcome(0)
    time.sleep(0.2)
    assert max(asked) < 8
    outcomes.close()


def test_setting_up_that_fails_is_no_failure_of_a_task():
    with pytest.raises(RuntimeError, match="OSError: no model file"):
        list(map_in_order(cannot_be_made, [1, 2], 2, no_limit))


def test_no_tasks_no_processes():
    assert list(map_in_order(cannot_be_made, [], 4, no_limit)) == []

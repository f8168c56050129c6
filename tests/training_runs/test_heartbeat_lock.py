"""The lock of a run: held by one trainer, taken over from a dead one, and a trainer that lost it stops."""

import json
import multiprocessing
import os
import threading
import time

import pytest

from simhand.errors import EXIT_TRY_AGAIN, BusyError
from simhand.training_runs import heartbeat_lock as module
from simhand.training_runs.heartbeat_lock import HeartbeatLock, heartbeat_lock

BEAT_S = 0.1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock.json"


@pytest.fixture
def on_other_machines(monkeypatch):
    """Process numbers mean nothing: all that tells is whether the lock's heartbeat goes on."""
    monkeypatch.setattr(module, "_machine", lambda: "")


def leave_behind(path, **changes):
    """The lock of a trainer that was killed: nothing beats any more."""
    dead = HeartbeatLock(path, BEAT_S)
    assert dead._created()
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(content).ljust(module.SIZE_BYTES))


def test_the_lock_names_its_holder_and_goes_when_released(path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with heartbeat_lock(path, BEAT_S) as lock:
        said = json.loads(path.read_text())
        assert (said["process"], said["slurm_job"], said["heartbeats"]) == (os.getpid(), "4711", 0)
        assert lock.is_held()
        lock.check()
    assert not path.exists()


def test_the_heartbeat_goes_on_and_the_file_keeps_its_size(path):
    with heartbeat_lock(path, BEAT_S):
        deadline = time.monotonic() + 10
        while json.loads(path.read_text())["heartbeats"] < 3:
            assert time.monotonic() < deadline
            assert path.stat().st_size == module.SIZE_BYTES
            time.sleep(BEAT_S / 4)


@pytest.mark.usefixtures("on_other_machines")
def test_a_trainer_that_lives_is_not_disturbed(path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with heartbeat_lock(path, BEAT_S) as lock:
        with pytest.raises(BusyError) as refused, heartbeat_lock(path, BEAT_S):
            pytest.fail("two trainers in one folder")
        assert lock.is_held()
    assert refused.value.exit_code == EXIT_TRY_AGAIN == 75
    holder = f"process {os.getpid()} on "
    for part in (holder, "SLURM job 4711", "last heartbeat 20", "scancel", str(path.parent)):
        assert part in str(refused.value)


@pytest.mark.usefixtures("on_other_machines")
def test_a_trainer_that_ends_while_another_waits_hands_over(path):
    started, waited = threading.Event(), []

    def wait():
        started.set()
        with heartbeat_lock(path, 10 * BEAT_S):
            waited.append("held")

    with heartbeat_lock(path, BEAT_S):
        other = threading.Thread(target=wait)
        other.start()
        started.wait()
        time.sleep(2 * BEAT_S)
        assert not waited
    other.join()
    assert waited == ["held"]


@pytest.mark.usefixtures("on_other_machines")
def test_a_lock_without_heartbeats_is_taken_over(path, caplog):
    leave_behind(path, host="node7")
    watched = time.monotonic()
    with heartbeat_lock(path, BEAT_S) as lock:
        assert lock.is_held()
        assert time.monotonic() - watched >= module.MISSED_HEARTBEATS * BEAT_S
    assert "on node7 works in" in caplog.text and "it has ended, and its lock is taken over" in caplog.text
    assert not list(path.parent.iterdir())


def test_a_dead_process_of_this_machine_is_not_waited_for(path, monkeypatch):
    child = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    child.start()
    child.join()
    leave_behind(path, process=child.pid)
    monkeypatch.setattr(HeartbeatLock, "_watch", lambda *_: pytest.fail("it is waited for"))
    with heartbeat_lock(path, BEAT_S) as lock:
        assert lock.is_held()


@pytest.mark.parametrize("content", [b"", b"{"])
@pytest.mark.usefixtures("on_other_machines")
def test_a_lock_that_was_never_finished_is_taken_over(path, content):
    path.write_bytes(content)
    with heartbeat_lock(path, BEAT_S) as lock:
        assert lock.is_held()


@pytest.mark.usefixtures("on_other_machines")
def test_a_trainer_whose_lock_was_taken_over_notices_and_leaves_the_other_alone(path, monkeypatch):
    """It was suspended, say: its heartbeat stood still for long."""
    suspended = HeartbeatLock(path, BEAT_S)
    monkeypatch.setattr(suspended, "_beat", lambda: None)
    suspended._thread = threading.Thread(target=suspended._beat)
    suspended.acquire()
    with heartbeat_lock(path, BEAT_S) as other:
        HeartbeatLock._beat(suspended)
        assert suspended.lost and not suspended.is_held()
        with pytest.raises(BusyError, match="has taken over from this one"):
            suspended.check()
        suspended._write()
        suspended.release()
        assert other.is_held(), "neither a late heartbeat nor the end of the first touch the second's lock"


@pytest.mark.usefixtures("on_other_machines")
def test_of_many_that_take_over_at_once_one_holds_the_lock(path):
    leave_behind(path)
    inside, most, ended = [], [], []

    def contend():
        try:
            with heartbeat_lock(path, 3 * BEAT_S):
                inside.append(1)
                most.append(len(inside))
                time.sleep(6 * BEAT_S)
                inside.pop()
                ended.append("held")
        except BusyError:
            ended.append("refused")

    threads = [threading.Thread(target=contend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 6 and "held" in ended and max(most) == 1

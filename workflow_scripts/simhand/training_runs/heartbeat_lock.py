"""One process at a time works in a folder, whichever machine it runs on, and shows that it lives.

The lock is a file that names its holder and counts its heartbeats. Whoever finds one watches for three
heartbeats: a count that stands still is that of a dead process and the lock is taken over. Only changes
count, so that clocks may differ, and nothing hangs on the file system having locks: a network file
system creates a file for one process only, and shows to whoever opens it what was last synced.

A holder that was merely out for long (a suspended job) finds its lock taken over and must stop.
"""

import json
import logging
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simhand.errors import BusyError
from simhand.files.atomic import process_lives
from simhand.files.disk_space import explained_errors

HEARTBEAT_S = 20.0
MISSED_HEARTBEATS = 3

SIZE_BYTES = 1024
"""Of the file: always the same, so that a heartbeat overwrites the last one in place, on a full disk too."""

log = logging.getLogger("simhand")


@contextmanager
def heartbeat_lock(path: Path, heartbeat_s: float = HEARTBEAT_S) -> Iterator["HeartbeatLock"]:
    """Hold the lock ``path`` while the block runs.

    Raises:
        BusyError: another process holds it, and still did after three heartbeats.
    """
    lock = HeartbeatLock(path, heartbeat_s)
    with explained_errors(path):
        lock.acquire()
    try:
        yield lock
    finally:
        lock.release()


class HeartbeatLock:
    """A lock on a folder; made by :func:`heartbeat_lock`."""

    def __init__(self, path: Path, heartbeat_s: float) -> None:
        self._path = path
        self._heartbeat_s = heartbeat_s
        self._about: dict[str, Any] = {
            "token": uuid.uuid4().hex,
            "process": os.getpid(),
            "host": platform.node(),
            "machine": _machine(),
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            "since": _now(),
            "heartbeats": 0,
        }
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._descriptor = -1
        self.lost = False
        """Whether a heartbeat has found the lock in other hands."""

    def acquire(self) -> None:
        """Take the lock, waiting for three heartbeats at most.

        Raises:
            BusyError: its holder still lives then.
        """
        while not self._created():
            found = self._read()
            if not _ended_on_this_machine(found):
                log.warning("%s; waiting to see whether it lives", _describe(self._path, found))
                found = self._watch(found)
            if found is not None:
                log.warning("%s; it has ended, and its lock is taken over", _describe(self._path, found))
                if self._taken_over(found):
                    break
        self._thread.start()

    def is_held(self) -> bool:
        """Whether the file still names this process."""
        found = _parsed(self._read())
        return bool(found) and found["token"] == self._about["token"]

    def check(self) -> None:
        """To be asked before anything is written that another trainer would write too.

        Raises:
            BusyError: the lock is in other hands.
        """
        if not self.is_held():
            raise BusyError(
                f"{_describe(self._path, self._read())} and has taken over from this one, which seemed dead "
                f"after {MISSED_HEARTBEATS} missed heartbeats; this one stops and writes nothing more"
            )

    def release(self) -> None:
        """Stop the heartbeat and remove the file, unless it is another's by now."""
        self._released.set()
        self._thread.join()
        if self.is_held():
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _created(self) -> bool:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        self._write()
        return True

    def _watch(self, found: bytes | None) -> bytes | None:
        """``found`` if the lock does not change for three heartbeats, None if it is let go."""
        deadline = time.monotonic() + MISSED_HEARTBEATS * self._heartbeat_s
        now = found
        while now is not None and time.monotonic() < deadline:
            time.sleep(self._heartbeat_s / 20)
            now = self._read()
        if now is not None and now != found:
            raise BusyError(
                f"{_describe(self._path, now)}. Let it finish and run the same command again, which takes "
                "what it has done; or end it first (`scancel` its SLURM job, else `kill` the process)"
            )
        return now

    def _taken_over(self, found: bytes) -> bool:
        """Replace the lock if it is still as ``found``; of several that do so at once, the last holds it."""
        own = self._path.with_name(f".{self._path.name}.{self._about['token']}")
        self._descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        self._write()
        if self._read() == found:
            os.replace(own, self._path)
            time.sleep(min(1.0, self._heartbeat_s))
            if self.is_held():
                return True
        own.unlink(missing_ok=True)
        os.close(self._descriptor)
        return False

    def _beat(self) -> None:
        while not self._released.wait(self._heartbeat_s):
            try:
                if not self.is_held():
                    self.lost = True
                    return
                self._about["heartbeats"] += 1
                self._write()
            except OSError as error:
                log.warning("%s: no heartbeat (%s); trying again", self._path, error.strerror)

    def _write(self) -> None:
        content = json.dumps(self._about | {"last_heartbeat": _now()}).ljust(SIZE_BYTES)
        os.pwrite(self._descriptor, content.encode(), 0)
        os.fsync(self._descriptor)

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None


def _parsed(content: bytes | None) -> dict[str, Any]:
    """What a lock says; nothing if it is not there or its holder has only just made it."""
    try:
        found: dict[str, Any] = json.loads(content or b"{}")
    except json.JSONDecodeError:
        return {}
    return found


def _ended_on_this_machine(content: bytes | None) -> bool:
    found = _parsed(content)
    return bool(found) and found["machine"] == _machine() != "" and not process_lives(found["process"])


def _describe(path: Path, content: bytes | None) -> str:
    found = _parsed(content)
    if not found:
        return f"another process works in {path.parent}"
    job = f", SLURM job {found['slurm_job']}" if found["slurm_job"] else ""
    return (
        f"process {found['process']} on {found['host']}{job} works in {path.parent} since {found['since']}, "
        f"last heartbeat {found['last_heartbeat']}"
    )


def _machine() -> str:
    """Tells boots and containers apart, within which a process number means something; empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
